"""Clients moved to the service's address, or back: foreseen on all of them, one first, then the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from failover.hosts import fan_out, specs
from failover.hosts.ssh import Silent
from failover.model import nodeset
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import ClientDocument
from failover.model.outcome import FailoverError, Outcome, Refused
from failover.model.site import Client, ClientMode
from failover.model.stack_output import Stack
from failover.ports import Ports
from hooks.contract.client_spec import FOLLOW, TO_SERVER, TO_SERVICE

_SET_IT = "set service_ip in the stack's variables, apply it, and run `./inv failover --active {}` once"
Begun = Callable[[], None]


@dataclass(frozen=True)
class Prospect:
    """What a migration of one client would be. `trouble`: why it could not be looked at; empty when it was.

    `diff`: its lines before (-) and after (+). `waits`: by mount point, what holds it now.
    """

    client: Client
    trouble: str = ""
    done: bool = False
    diff: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether there is something to do that would not be refused."""
        return not (self.trouble or self.done or self.refusals)


@dataclass
class MigrationResult:
    """Names of clients, with the reason where there is one. `waiting`: lines are right, mounts are held.

    `not_begun`: those after a canary that failed.
    """

    to: str
    canary: str = ""
    migrated: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    not_begun: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """As the README's table of exit codes has it."""
        if self.canary in self.failed:
            return Outcome.FAILED
        if not (self.migrated or self.waiting or self.failed):
            if self.refused:
                return Outcome.REFUSED
            return Outcome.CLIENTS_LEFT if self.silent else Outcome.NOTHING_TO_DO
        return Outcome.CLIENTS_LEFT if self.left else Outcome.DONE

    @property
    def left(self) -> dict[str, str]:
        """Every client that is not migrated, and why."""
        return {**self.waiting, **self.refused, **self.failed, **self.silent}

    def document(self) -> dict[str, Any]:
        """The fields of this class by their names, JSON-ready, and "outcome" (an Outcome's value)."""
        return {"outcome": self.outcome.value, **vars(self)}


class Migration:
    """One migration of these clients to the service's address; `back`: to the active server's own name."""

    def __init__(self, ports: Ports, stack: Stack, clients: Sequence[Client], back: bool) -> None:
        """Raises Refused for a stack without a service address, and where no host is reached over SSH."""
        if not stack.service_ip:
            raise Refused(
                "the stack has no service address that clients could mount", _SET_IT.format(stack.active)
            )
        if not ports.site.ssh.reach:
            raise Refused(
                "no host is reached over SSH: [ssh] reach = false", "run it where clients are reached"
            )
        self.to = stack.active if back else stack.service_ip
        self._aim = TO_SERVER if back else TO_SERVICE
        self._ports = ports
        self._stack = stack
        self._clients = list(clients)

    def foresee(self, ended: Callable[[int], None] = lambda _: None) -> list[Prospect]:
        """Every client's prospect, all looked at at the same time. Nothing is changed."""
        return fan_out.results(self._clients, self._foreseen, ended)

    def run(self, prospects: Sequence[Prospect], say: Callable[[str], None]) -> MigrationResult:
        """Migrate those that are ready: the canary, and when it is right the others at the same time."""
        result = MigrationResult(self.to)
        for one in prospects:
            name = one.client.name
            if one.trouble:
                result.silent[name] = one.trouble
            elif one.refusals:
                result.refused[name] = "; ".join(one.refusals)
            elif one.done:
                result.already.append(name)
        ready = [one for one in prospects if one.ready]
        if not ready:
            return result
        first = canary(ready)
        result.canary = first.name
        self._migrate([first], result, say)
        others = [one.client for one in ready if one.client != first]
        if first.name not in result.migrated and first.name not in result.waiting:
            result.not_begun = [client.name for client in others]
            result.failed.setdefault(first.name, result.silent.pop(first.name, ""))
            return result
        self._migrate(others, result, say)
        return result

    def _migrate(
        self, clients: Sequence[Client], result: MigrationResult, say: Callable[[str], None]
    ) -> None:
        work = fan_out.FanOut(clients, self._migrated)
        left = len(clients)
        for batch in work.as_ended() if clients else ():
            left -= len(batch)
            for client, came in batch:
                text = _sorted_in(result, client.name, came)
                if len(clients) <= nodeset.FEW:
                    say(f"{client.name}: {text}")
            if len(clients) > nodeset.FEW:
                say(f"clients: {len(result.migrated)} migrated, {len(result.left)} not, {left} under way")

    async def _foreseen(self, client: Client, begun: Begun) -> Prospect:
        try:
            report = await self._answer(client, "foresee", begun)
        except FailoverError as error:
            return Prospect(client, trouble=error.reason)
        except Silent as error:
            return Prospect(client, trouble=str(error))
        facts = report.layers[0].facts if report.layers else {}
        if "diff" not in facts:
            return Prospect(client, trouble=report.complaint or report.message)
        return Prospect(
            client,
            done=report.present and not facts["diff"],
            diff=_texts(facts["diff"]),
            refusals=report.refusals,
            waits=_waits(report),
            warnings=report.warnings,
        )

    async def _migrated(self, client: Client, begun: Begun) -> Mapping[str, str]:
        """What waits for a remount there. The client's own check has the last word."""
        report = await self._answer(client, "migrate", begun)
        if not report.ok:
            raise Refused(f"{client.name}: {report.complaint}", "mend it, then run the same command again")
        waits = _waits(report)
        checked = await self._answer(client, "check", begun, FOLLOW if waits else self._aim)
        if not checked.present:
            raise Refused(
                f"{client.name}: migrated, but: {checked.complaint}",
                "`./inv clients migrate --back` undoes it",
            )
        return waits

    async def _answer(self, client: Client, action: str, begun: Begun, aim: str = "") -> HookReport:
        host = self._ports.hosts.of_client(client, self._stack, self._stack.active)
        seconds = self._ports.site.deadlines.client
        await host.ssh.opened()
        begun()
        # twice, as of a client's step: the hooks may first wait for another run on the host
        return await host.answer(action, self._spec(client, aim or self._aim, seconds), 2 * seconds + 30)

    def _spec(self, client: Client, aim: str, seconds: float) -> ClientDocument:
        spec = specs.client_spec(client, self._stack, self._stack.active, ClientMode.REMOUNT, seconds)
        return {**spec, "aim": aim}


def canary(ready: Sequence[Prospect]) -> Client:
    """The client that goes first: one whose mounts nothing holds, so that it is migrated as a whole."""
    return next((one.client for one in ready if not one.waits), ready[0].client)


def _sorted_in(result: MigrationResult, name: str, came: Mapping[str, str] | BaseException) -> str:
    """Put one client's end into the result; what it came to in a line."""
    if isinstance(came, Silent):
        result.silent[name] = str(came)
        return f"NOT reached: {came}"
    if isinstance(came, BaseException):
        result.failed[name] = (
            came.reason if isinstance(came, FailoverError) else f"{type(came).__name__}: {came}"
        )
        return f"FAILED: {result.failed[name]}"
    if came:
        result.waiting[name] = "; ".join(f"{point}: {why}" for point, why in sorted(came.items()))
        return f"its lines are migrated, and it waits for a remount: {result.waiting[name]}"
    result.migrated.append(name)
    return "migrated"


def _waits(report: HookReport) -> Mapping[str, str]:
    facts = report.layers[0].facts if report.layers else {}
    waits = facts.get("waits")
    return {str(k): str(v) for k, v in waits.items()} if isinstance(waits, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
