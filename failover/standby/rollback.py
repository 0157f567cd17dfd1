"""The held server proven healthy, before the service is brought back to it by the flow of every failover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.outcome import FailoverError, Refused
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.runs.hold import Hold
from failover.standby.bring_up import bring_up

Say = Callable[[str], None]
_OFF = ("STOPPED", "STOPPING")


@contextmanager
def proven(ports: Ports, hold: Hold, say: Say, has_acted: Callable[[], bool]) -> Iterator[None]:
    """The block runs with the held server on, reachable, and by its own check out of service.

    It can neither serve nor write meanwhile: it holds no volume by the API, and gives up what it has of the
    service. Whether it can take over is judged by the hooks' survey, here after a power-on and in the flow's
    own prechecks. Raises Refused, Failed or Unknown without that proof; the service was not touched. A server
    that was off is off again where the block ends before `has_acted`.
    """
    was_off = _state(ports, hold) in _OFF
    try:
        bring_up(ports, hold.server, say)
        yield
    except FailoverError as error:
        if was_off and not has_acted():
            raise type(error)(f"{error.reason}; {_off_again(ports, hold)}", error.remedy) from error
        raise


def _state(ports: Ports, hold: Hold) -> str:
    """Its lifecycle state. Raises Refused for a hold that is not about this site as it is now."""
    stack = ports.runner.read()
    refuse_other(hold, stack)
    if not ports.site.ssh.reach:
        raise Refused(
            f"hosts are not reached from here, so that {hold.server} is healthy cannot be proven",
            "run it on a machine that reaches the hosts",
        )
    attachments = ports.observer.attachments(stack)
    holds = bool(attachments.held_by(hold.instance_id))
    state = ports.cloud.server_state(stack.servers[hold.server], stack, holds)
    if state in ENDING_OR_ENDED:
        raise Refused(
            f"{hold.server} ({hold.instance_id}) is {state}: there is no server to go back to",
            "`./inv commit` ends the hold, then `./inv reprotect` has a next server",
        )
    return state


def refuse_other(hold: Hold, stack: Stack) -> None:
    """Raise Refused for a hold of another site, of other volumes, and where the service is back already."""
    server = stack.servers.get(hold.server)
    if server is None or server.instance_id != hold.instance_id:
        raise Refused(
            f"the hold is of {hold.server} ({hold.instance_id}), which is not a server of this stack: "
            f"{', '.join(f'{s.name} ({s.instance_id})' for s in stack.servers.values())}",
            "hold.json is of another site, or the server was replaced; `./inv commit` ends the hold",
        )
    mine = tuple(sorted(volume.volume_id for volume in stack.volumes.values()))
    if mine != hold.volumes:
        raise Refused(
            f"{hold.server} was held with other volumes ({', '.join(hold.volumes)}) than the stack has now "
            f"({', '.join(mine)}): what it served is not what is served now",
            f"`./inv commit` ends the hold; then `./inv failover --active {hold.server}` moves what there is",
        )
    if stack.active == hold.server:
        raise Refused(
            f"{hold.server} is the active server already, by Terraform's state",
            f"`./inv failover --active {hold.server}` goes on with a run that was cut off; "
            "`./inv commit` ends the hold",
        )


def _off_again(ports: Ports, hold: Hold) -> str:
    try:
        state = ports.cloud.power_off(hold.instance_id, ports.site.deadlines.power)
    except FailoverError as error:
        return f"{hold.server} was powered on and could not be powered off again ({error.reason})"
    return f"{hold.server} is {state} again, as it was"
