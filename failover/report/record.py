"""What is known of a run, as values: made of its journal, and of report.json where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from failover.model.finding import Finding
from failover.plan.model import StepKind, split_name
from failover.runs.events import UNPROVEN

DONE, FAILED, CUT_OFF, NOT_STARTED, UNDER_WAY = "done", "failed", "cut off", "not started", "under way"
KILLED = "killed"  # the outcome of a run whose journal has no end


@dataclass(frozen=True)
class LayerRecord:
    """One layer of one answer of the hooks."""

    layer: str
    seconds: float
    state: str
    message: str


@dataclass(frozen=True)
class HooksRecord:
    """What the hooks did on a host in a step. `seconds` is the hooks' own time, without SSH."""

    step: str
    host: str
    action: str
    seconds: float
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True)
class StepRecord:
    """A step, or another bar of the timeline. `start`: seconds after the run began; None: not started."""

    name: str
    why: str
    state: str
    start: float | None = None
    seconds: float = 0.0
    message: str = ""
    expected_seconds: int | None = None
    hooks: tuple[HooksRecord, ...] = ()

    @property
    def kind(self) -> StepKind | None:
        """The kind of the plan's step; None for a bar that is not a step of a plan."""
        return split_name(self.name)[0]

    @property
    def subject(self) -> str:
        """The host that the step is about."""
        return split_name(self.name)[1]

    @property
    def end(self) -> float:
        """Seconds after the run began; of a step that was cut off, the last thing that is known."""
        return (self.start or 0.0) + self.seconds


@dataclass(frozen=True)
class FenceRecord:
    """What shows that `server` can no longer write: the `result` of `source`, at that moment."""

    server: str
    step: str
    source: str
    result: str
    at: datetime

    @property
    def proven(self) -> bool:
        """False where only the detach is the fence: the server may still be on."""
        return self.source != UNPROVEN


@dataclass(frozen=True)
class RunRecord:
    """One run. `outcome`: an Outcome's value; KILLED when its journal has no end, UNDER_WAY while it runs.

    `evidence`: why a server that did not answer was fenced as it was, a line each (failover/plan/silence.py).
    `objective_seconds`: the longest outage that the site allows itself, None without an objective.
    `hold`: which server is held after it and until when (failover/runs/hold.py), "" for none.
    `observed`: what was measured from outside, a line each; a drill writes it (observed.json).
    """

    id: str
    target: str
    active: str | None
    loser: str | None
    outcome: str
    reason: str
    remedy: str
    began: datetime
    seconds: float
    user: str
    host: str
    command: str
    clients: str
    site: str
    active_file: str
    versions: Mapping[str, str]
    observe: StepRecord | None
    steps: tuple[StepRecord, ...]
    verify: StepRecord | None
    notes: tuple[str, ...]
    fences: tuple[FenceRecord, ...]
    findings: tuple[Finding, ...]
    evidence: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    objective_seconds: float | None = None
    hold: str = ""

    @property
    def ended(self) -> bool:
        """Whether the journal says how it ended."""
        return self.outcome not in (KILLED, UNDER_WAY)

    @property
    def timeline(self) -> tuple[StepRecord, ...]:
        """Every bar there is to draw, in the order of the plan."""
        ends = [self.observe] if self.observe else []
        return (*ends, *self.steps, *([self.verify] if self.verify else []))

    @property
    def hooks(self) -> tuple[HooksRecord, ...]:
        """Every answer of the hooks, in the order of the steps."""
        return tuple(h for s in self.steps for h in s.hooks)

    def step(self, name: str) -> StepRecord | None:
        """The step of this name."""
        return next((s for s in self.steps if s.name == name), None)
