"""What `failover`, `plan` and `verify` share: one site looked at, and verified, for one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from failover.act.progress import Progress
from failover.model.finding import Finding
from failover.model.observation import Observation
from failover.model.outcome import ClientLeft, Failed
from failover.model.site import ClientMode
from failover.model.timeline import Phase
from failover.ports import Ports
from failover.report.report import Report
from failover.verify import data
from failover.verify.findings import verify

T = TypeVar("T")
_LISTED = 10


class Inspection:
    """The reads of a run: no function here changes the site."""

    def __init__(
        self, ports: Ports, target: str, clients: ClientMode, report: Report, progress: Progress
    ) -> None:
        self._ports = ports
        self._target = target
        self._clients = clients
        self._report = report
        self._progress = progress

    def observe(self) -> Observation:
        """Terraform's state, the API, servers and clients, afresh. Raises Unknown."""
        self._progress.say("looking at the API, the servers and the clients (nothing is changed) ...")
        stack = self._ports.runner.read()
        return self._ports.observer.observe(stack, self._target, self._clients)

    def verify(self, observation: Observation) -> None:
        """Every finding into the report.

        Raises Failed when the service is not right, ClientLeft when it is and only clients are not.
        """
        self._report.active = observation.stack.active
        look = partial(data.look, self._ports.site, self._ports.hosts, observation)
        self._report.findings, self._report.second_plan_changes = verify(
            observation, self._ports.runner, look
        )
        wrong = [f for f in self._report.findings if not f.ok]
        if service := [f for f in wrong if not f.client]:
            raise Failed(f"not everything is right: {_listed(service)}", self._remedy(service))
        if wrong:
            raise ClientLeft(
                f"the service is up on {observation.target} and verified; not brought over: {_listed(wrong)}",
                f"once they are mended, `./inv failover --active {observation.target}` "
                "brings these clients over "
                "and touches nothing else",
            )

    def timed(self, name: str, action: Callable[[], T]) -> T:
        """Do it, as a phase of the report."""
        start = time.monotonic()
        result = action()
        self._report.phases.append(Phase(name, time.monotonic() - start, ""))
        return result

    def _remedy(self, wrong: Sequence[Finding]) -> str:
        if own := [f.remedy for f in wrong if f.remedy]:
            return "; ".join(own)
        if self._report.verb == "verify":
            return f"`./inv plan --active {self._target}` shows what would be done about it"
        return "run the same command again"


def _listed(wrong: Sequence[Finding]) -> str:
    """The first ones in words; the report lists them all."""
    text = "; ".join(f"{f.subject}: {f.actual}" for f in wrong[:_LISTED])
    return f"{text}; and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else text
