"""After a failover: a next server again, the repaired old one or one from the image; and the proof of it."""

from __future__ import annotations

from collections.abc import Callable

from failover.model.outcome import Failed, Refused
from failover.model.stack_output import Server, Stack
from failover.status.judge import Judgement, judge
from failover.status.ready import readiness
from failover.status.sight import Sight, Unread

Say = Callable[[str], None]
_OFF_BUT_THERE = ("RUNNING", "STOPPED", "STOPPING", "STARTING")


def chosen(stack: Stack, sight: Sight, wanted: str | None) -> str:
    """The server that shall stand by: the one that was named, else one that exists, else one to launch.

    Raises Refused when there is none, with what there is to do.
    """
    if wanted:
        return wanted
    others = [s for s in stack.servers.values() if s.name != stack.active and not sight.held(s.name)]
    held = [hold for name in stack.servers if (hold := sight.held(name))]
    there = [s.name for s in others if sight.states.get(s.name) in _OFF_BUT_THERE]
    launchable = [s.name for s in others if s.launch and s.name not in there]
    if held and not there and not launchable:
        raise Refused(
            f"no server could stand by before {held[0].moment}: {held[0].server} is held until then",
            "wait; or `./inv commit` ends the hold, then the same command again",
        )
    if not there and not launchable:
        raise Refused(
            f"no server could stand by: {_why(others, sight)}",
            "take an image of the active server, add a server with that image_id to `servers`, try again",
        )
    return (there or launchable)[0]


def _why(others: list[Server], sight: Sight) -> str:
    return "; ".join(readiness(s, sight) for s in others) or "the stack has no server but the active one"


def settled(before: Sight) -> Judgement | None:
    """The judgement where there is a next server already; None where one is to be brought up."""
    judged = judge(before)
    return judged if judged.next_servers else None


def prove(after: Sight, name: str) -> str:
    """How `name` could take over now. Raises Failed when a fresh look does not find that it could."""
    stack = after.stack
    if isinstance(stack, Unread):
        raise Failed(f"Terraform's state cannot be read: {stack.reason}", stack.remedy)
    ready = [text for text in judge(after).next_servers if text.startswith(name)]
    if not ready:
        raise Failed(
            f"{name} was brought up, and a fresh look does not find it ready: "
            f"{readiness(stack.servers[name], after)}",
            "mend that, then run the same command again",
        )
    return ready[0]
