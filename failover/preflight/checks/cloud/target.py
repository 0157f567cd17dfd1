"""The target's own instance, when it has one."""

from __future__ import annotations

from collections.abc import Iterator

from failover.model.instance_states import ENDED, ENDING
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME = "target"
_USABLE = ("RUNNING", "STOPPED", "STARTING", "STOPPING", "PROVISIONING")


def look(ground: Ground) -> Iterator[Check]:
    """GetInstance, or what a killed run has left behind."""
    target = ground.target
    if target.instance_id:
        yield judge(target.name, ground.server_state(target), target.adopted)
    elif left := ground.left_behind():
        yield warning(
            NAME,
            f"{left.id} carries {target.name}'s tag, but Terraform's state does not know it",
            f"{target.name} in the state, or no such instance",
            "a failover takes it up; to be rid of it, terminate it",
        )
    else:
        yield ok(NAME, f"{target.name} does not exist yet and is launched by the failover")


def judge(server: str, state: str, adopted: bool) -> Check:
    """An instance that can be made to run, or one that is launched anew (failover/plan/planner.py)."""
    text = f"{server} is {state}"
    if state == ENDED and not adopted:
        return ok(NAME, f"{text} and is launched again by the failover")
    if state == ENDING and not adopted:
        return warning(NAME, text, ENDED, "nothing, or wait: a failover launches another once it has ended")
    if state in _USABLE:
        return ok(NAME, text)
    expected = f"one of {', '.join(_USABLE)}"
    return blocking(NAME, text, expected, f"wait, or give {server} another image_id or instance_id")
