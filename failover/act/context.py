"""What the steps of one run share: the site, the doors to it, and what was learnt on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from failover.act.evidence import Evidence
from failover.checkout.origin import COMMAND_LINE, Door
from failover.cloud.inventory import CloudReads
from failover.deadline import Deadline
from failover.hosts import readiness
from failover.hosts.hook_runner import HookRunner, StartedHooks
from failover.model.attachments import Attachment, Attachments
from failover.model.host.hook_report import HookReport
from failover.model.observation import Observation
from failover.model.outcome import Failed, FailoverError, Unknown
from failover.model.site import Client, ClientMode
from failover.model.stack_output import Server, Stack
from failover.ports import Ports

_SETTLE_SECONDS = 60.0


class Restoring(Protocol):
    """The site's volumes replaced by copies in this run's switch (failover/backup/restore.py)."""

    def write(self) -> None:
        """Name the copies to Terraform."""

    def undo(self) -> None:
        """Write the file of variables as it was: no apply was begun."""

    def of(self, stack: Stack) -> Stack:
        """The stack with the copies as its volumes."""

    def keep_old(self) -> str:
        """Mark the volumes of before, which are detached; they are named."""


class Crew:
    """What the steps of one run need. `stack` is renewed when Terraform changed it.

    `released` and `cut_off`: the servers that this run has fenced so. `made_ready`: what hooks/probe/ready.py
    has looked at in this run. `takes_over`: whether this run is going to; it says so to its target then.
    """

    def __init__(
        self,
        ports: Ports,
        observation: Observation,
        mode: ClientMode,
        door: Door = COMMAND_LINE,
        restore: Restoring | None = None,
        takes_over: bool = True,
    ) -> None:
        self.site = ports.site
        self.cloud = ports.cloud
        self._ports = ports
        self.runner = ports.runner
        self.hosts = ports.hosts
        self.observer = ports.observer
        self.observation = observation
        self._clients = {client.name: client for client in ports.site.clients}
        self.mode = mode
        self.door = door
        self.restore = restore
        self.stack: Stack = observation.stack
        self.evidence = Evidence()
        self.remarks: list[str] = []
        self.made_ready: set[str] = set()
        self._takes_over = takes_over
        self._started: dict[str, StartedHooks] = {}
        self._settled = False
        self._beside: list[threading.Thread] = []
        self.released: set[str] = set()
        self.cut_off: set[str] = set()

    @property
    def reads(self) -> CloudReads:
        """The API, read only, and given up after a while."""
        return self._ports.reads

    def beside(self, work: Callable[[], object]) -> None:
        """Do it in a thread of its own. No step waits for it; `settle` does."""
        self._beside.append(threading.Thread(target=work, daemon=True))
        self._beside[-1].start()

    def settle(self) -> None:
        """Wait, for a minute at most, for what was begun beside the steps; end hooks that nobody used."""
        deadline = Deadline(_SETTLE_SECONDS)
        for thread in self._beside:
            thread.join(max(0.0, deadline.left))
        self._settled = True
        for started in self._started.values():
            started.abandon()

    def make_ready(self, server: Server) -> str:
        """Have a server that stands by hold ready what its takeover needs; what it came to, in a sentence."""
        self.start_hooks(server)
        host = self.host(server)
        return readiness.tried(host, self.stack, self.site.deadlines.hooks, announced=self._takes_over)

    def announce(self, server: Server) -> None:
        """Have the hooks that wait there make their host ready, and its boot service wait for this run."""
        spec = readiness.document(self.stack, self.site.deadlines.hooks)
        if (started := self.started_hooks(server)) and spec:
            started.announce(spec)
        else:
            self.beside(partial(self.make_ready, server))

    def start_hooks(self, server: Server) -> None:
        """Start the takeover's hooks on its target before the volumes are there: clients need not wait for
        their start. They change nothing without their spec, and end where none comes (`settle`). Never
        raises; without them the takeover starts its own."""
        if not self._takes_over or self._settled or self.started_hooks(server):
            return
        deadlines = self.site.deadlines
        seconds = deadlines.power + deadlines.switch + 4 * deadlines.hooks + 30
        with suppress(FailoverError):
            self._started[server.name] = self.host(server).started("take-over", seconds)

    def started_hooks(self, server: Server) -> StartedHooks | None:
        """Those of the takeover, where they run on this server and can still have their spec."""
        started = self._started.get(server.name)
        return started if started and started.waiting() else None

    def attachments(self) -> Attachments:
        """Every volume's attachments by the API, now. Raises Unknown."""
        return self.observer.attachments(self.stack)

    def held(self, server: Server) -> dict[str, Attachment]:
        """The attachment of each volume, all of them ATTACHED to `server` by the API. Raises Failed."""
        attachments = self.attachments()
        held = attachments.held_by(server.instance_id)
        if missing := sorted(set(attachments) - {n for n, a in held.items() if a.state == "ATTACHED"}):
            raise Failed(
                f"{', '.join(missing)} not ATTACHED to {server.name} by the API",
                "look at the volume's attachments, then run the same command again",
            )
        return held

    def server(self, name: str) -> Server:
        """A server of the stack."""
        return self.stack.servers[name]

    def instance(self, name: str) -> str:
        """The OCID of its instance. Raises Failed for a server without an instance."""
        instance_id = self.server(name).instance_id
        if instance_id is None:
            raise Failed(f"{name} has no instance in Terraform's state", "run the same command again")
        return instance_id

    def client(self, name: str) -> Client:
        """A client of the site."""
        return self._clients[name]

    def host(self, server: Server) -> HookRunner:
        """The server over SSH. Raises Unknown for one without an address."""
        if server.address is None:
            raise Unknown(f"{server.name} has no private address", "look at its VNIC in the console")
        return self.hosts.at(server.name, server.address)


def with_what_is_left(error: FailoverError, what_is_left: str) -> FailoverError:
    """The same end, saying also what the API shows afterwards."""
    return type(error)(f"{error.reason}; {what_is_left}", error.remedy)


def expected(report: HookReport) -> HookReport:
    """What the hooks answered, all of it done. Raises Unknown for a busy host, Failed for a failed layer."""
    if report.result.facts.get("busy"):
        raise Unknown(
            f"{report.host}: hooks {report.result.action}: {report.result.message}",
            "wait, then run the same command again",
        )
    if not report.ok:
        raise Failed(
            f"{report.host}: hooks {report.result.action}: {report.result.message}",
            f"mend it on {report.host}, then run the same command again",
        )
    return report
