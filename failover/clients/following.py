"""The clients' own unit, which follows the service by itself: put on many of them, taken away, and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from failover.bundle.zipapp import hooks_sha256
from failover.hosts import fan_out, specs
from failover.hosts.ssh import Silent
from failover.model import nodeset
from failover.model.observation import ClientStatus, Presence
from failover.model.outcome import Failed, FailoverError, Outcome, Refused
from failover.model.site import Client, ClientMode
from failover.model.stack_output import Stack
from failover.ports import Ports

ON, OFF = "follow-on", "follow-off"  # the hooks' actions
Begun = Callable[[], None]


@dataclass
class FollowResult:
    """Names of clients, with the reason where there is one. `to`: on or off. `already`: it was so before."""

    to: str
    changed: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """As the README's table of exit codes has it."""
        if self.failed or self.silent:
            return Outcome.CLIENTS_LEFT
        return Outcome.DONE if self.changed else Outcome.NOTHING_TO_DO

    def document(self) -> dict[str, Any]:
        """The fields of this class by their names, JSON-ready, and "outcome" (an Outcome's value)."""
        return {"outcome": self.outcome.value, **vars(self)}

    def lines(self) -> Iterator[str]:
        """What it came to, for a person; those that are left come last."""
        for names, text in nodeset.grouped(self.silent.items()):
            yield f"{nodeset.folded(names)}: not reached: {text}"
        for names, text in nodeset.grouped(self.failed.items()):
            yield f"{nodeset.folded(names)}: FAILED: {text}"
        done = [*self.changed, *self.already]
        left = len(self.failed) + len(self.silent)
        text = f"{len(done)} clients: {self.to}, {len(self.already)} of them before"
        yield f"{text}; {left} are left: {self.outcome.value}"


def switch(
    ports: Ports, stack: Stack, clients: Sequence[Client], action: str, ended: Callable[[int], None]
) -> FollowResult:
    """Put the unit on every client (ON), or take it away (OFF), all at the same time.

    Raises Refused where hosts are not reached over SSH. One client's failure is in the result.
    """
    if not ports.site.ssh.reach:
        raise Refused("no host is reached over SSH: [ssh] reach = false", "run it where clients are reached")
    seconds = ports.site.deadlines.client
    result = FollowResult("on" if action == ON else "off")

    async def switched(client: Client, begun: Begun) -> bool:
        """Whether it was changed. Raises Silent, and Failed where the unit could not be put there."""
        host = ports.hosts.of_client(client, stack, stack.active)
        spec = specs.client_spec(client, stack, stack.active, ClientMode.REMOUNT, seconds)
        await host.ssh.opened()
        begun()
        # twice, as of a client's step: the hooks may first wait for another run on the host
        report = await host.answer(action, spec, 2 * seconds + 30)
        if not report.ok:
            raise Failed(report.complaint or report.message, "mend it, then run the same command again")
        return report.result.changed

    count = 0
    for batch in fan_out.FanOut(clients, switched).as_ended():
        for client, came in batch:
            count += 1
            _sort_in(result, client, came)
        ended(count)
    return result


def _sort_in(result: FollowResult, client: Client, came: bool | BaseException) -> None:
    if isinstance(came, bool):
        (result.changed if came else result.already).append(client.name)
        return
    reason = came.reason if isinstance(came, FailoverError) else str(came) or type(came).__name__
    left = result.silent if isinstance(came, Silent) else result.failed
    left[client.name] = nodeset.impersonal(reason, client.name, client.address)


def shown(statuses: Sequence[ClientStatus]) -> dict[str, str]:
    """By client: on, off, or what is not right about it; of those that do not answer, that."""
    return {one.client.name: _state(one) for one in statuses}


def _state(one: ClientStatus) -> str:
    if one.presence is not Presence.ANSWERS or one.answer is None:
        return "not reached"
    state = one.answer.follows
    if state is None:
        return "off"
    return state.fault(hooks_sha256()) or f"on, hooks {state.sha256}"
