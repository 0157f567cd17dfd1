"""Which function does a step. A step looks again before it touches anything, and again afterwards."""

from __future__ import annotations

from collections.abc import Callable

from failover.act.clients import bring_over
from failover.act.context import Crew
from failover.act.fence import cut_off, power_off, release
from failover.act.launch import launch, power_on, reach
from failover.act.serve import take_over
from failover.act.switch import switch
from failover.hosts.ssh import Silent
from failover.model.outcome import Unknown
from failover.plan.model import Kind, Step

_STEPS: dict[Kind, Callable[[Crew, Step], str]] = {
    Kind.LAUNCH: launch,
    Kind.POWER_ON: power_on,
    Kind.REACH: reach,
    Kind.RELEASE: release,
    Kind.POWER_OFF: power_off,
    Kind.CUT_OFF: cut_off,
    Kind.SWITCH: switch,
    Kind.TAKE_OVER: take_over,
    Kind.CLIENT: bring_over,
}


def do(crew: Crew, step: Step) -> str:
    """Do one step; returns what it came to, for the timeline. Raises FailoverError."""
    try:
        return _STEPS[step.kind](crew, step)
    except Silent as error:
        raise Unknown(f"{step.name}: {error}", "check the host and the network, then run it again") from error
