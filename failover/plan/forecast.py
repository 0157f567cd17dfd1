"""How long a plan will take, and the service be away: of steps measured on this site where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover.plan.model import Plan, Step, StepKind

_NEWEST = 5  # older runs were of other versions, volumes and clients


@dataclass(frozen=True)
class Forecast:
    """Seconds. `outage`: None where the plan moves no service. `steps`: by the step's name.

    `measured`: kinds of step of which this site has figures, with how many; `usual`: kinds without any.
    """

    seconds: float
    outage: float | None
    steps: Mapping[str, float]
    measured: Mapping[str, int]
    usual: tuple[str, ...]

    def of(self, step: Step) -> float:
        """The step's seconds; of a row that stands for several of its kind, the longest one's."""
        same = [s for name, s in self.steps.items() if name.startswith(f"{step.kind.value} ")]
        return self.steps.get(step.name, max(same, default=float(step.expected_seconds)))

    @property
    def source(self) -> str:
        """What it is made from, for a person."""
        if not self.measured:
            return "usual values of bare metal: no step was measured on this site yet"
        text = ", ".join(f"{kind} ({count})" for kind, count in self.measured.items())
        rest = f"; usual values for {', '.join(self.usual)}" if self.usual else ""
        return f"measured on this site: {text}{rest}"


def forecast(plan: Plan, measured: Mapping[str, Sequence[float]]) -> Forecast:
    """`measured`: seconds by kind of step, oldest first (runs/history.py). The longest of the newest counts.

    The outage is from the release, or from the first step where the old server is silent, until the new one
    serves. What a run does before its first step is not in it.
    """
    newest = {kind: tuple(times)[-_NEWEST:] for kind, times in measured.items() if times}
    kinds = list(dict.fromkeys(step.kind.value for step in plan.steps))
    steps = {s.name: max(newest.get(s.kind.value, (float(s.expected_seconds),))) for s in plan.steps}
    ends = _ends(plan.steps, steps)
    return Forecast(
        seconds=max(ends.values(), default=0.0),
        outage=_outage(plan, steps, ends),
        steps=steps,
        measured={kind: len(newest[kind]) for kind in kinds if kind in newest},
        usual=tuple(kind for kind in kinds if kind not in newest),
    )


def _ends(steps: Sequence[Step], seconds: Mapping[str, float]) -> dict[str, float]:
    """When each step ends: steps without order run side by side."""
    ends: dict[str, float] = {}
    for step in steps:  # a step comes after those it waits for
        ends[step.name] = seconds[step.name] + max((ends[a] for a in step.after if a in ends), default=0.0)
    return ends


def _outage(plan: Plan, seconds: Mapping[str, float], ends: Mapping[str, float]) -> float | None:
    back = [ends[s.name] for s in plan.steps if s.kind is StepKind.TAKE_OVER]
    if not back:
        return None
    released = [ends[s.name] - seconds[s.name] for s in plan.steps if s.kind is StepKind.RELEASE]
    return max(back) - min(released, default=0.0)
