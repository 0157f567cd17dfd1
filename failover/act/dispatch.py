"""Which function does a step. A step looks again before it touches anything, and again afterwards.

Those of clients are not here: all of them are done at the same time (failover/act/clients.py).
"""

from __future__ import annotations

from collections.abc import Callable

from failover.act.context import Crew
from failover.act.copy import keep_copy
from failover.act.fence import cut_off, power_off, release
from failover.act.launch import launch, power_on, reach
from failover.act.serve import take_over
from failover.act.switch import switch
from failover.hosts.ssh import Silent
from failover.model.outcome import Unknown
from failover.plan.model import Step, StepKind

_STEPS: dict[StepKind, Callable[[Crew, Step], str]] = {
    StepKind.LAUNCH: launch,
    StepKind.POWER_ON: power_on,
    StepKind.REACH: reach,
    StepKind.RELEASE: release,
    StepKind.POWER_OFF: power_off,
    StepKind.CUT_OFF: cut_off,
    StepKind.SWITCH: switch,
    StepKind.TAKE_OVER: take_over,
    StepKind.COPY: keep_copy,
}


def do(crew: Crew, step: Step) -> str:
    """Do one step; returns what it came to, for the timeline. Raises FailoverError."""
    try:
        return _STEPS[step.kind](crew, step)
    except Silent as error:
        raise Unknown(f"{step.name}: {error}", "check the host and the network, then run it again") from error
