"""A plan as values: its steps, their order, and what each kind of step may stand for."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

LEFT_ALONE = "is left alone"  # in the note on a client that is not brought over; the report looks for it


class CopyMode(enum.StrEnum):
    """What is kept of the data before the switch: nothing, a clone of all volumes, or a backup of them."""

    NONE = "none"
    CLONE = "clone"
    BACKUP = "backup"


class StepKind(enum.Enum):
    """What a step does. Each has one function in failover/act/."""

    LAUNCH = "launch"
    POWER_ON = "power-on"
    REACH = "reach"
    RELEASE = "release"
    POWER_OFF = "power-off"
    CUT_OFF = "cut-off"
    SWITCH = "switch"
    TAKE_OVER = "take-over"
    CLIENT = "client"
    COPY = "copy"


# What may stand for "this holder can no longer write" before the switch.
FENCES = (StepKind.RELEASE, StepKind.POWER_OFF, StepKind.CUT_OFF)

# Seconds, for the progress display: what bare metal usually takes, not a promise.
_EXPECTED = {
    StepKind.LAUNCH: 600,
    StepKind.POWER_ON: 300,
    StepKind.REACH: 120,
    StepKind.RELEASE: 20,
    StepKind.POWER_OFF: 60,
    StepKind.CUT_OFF: 60,
    StepKind.SWITCH: 60,
    StepKind.TAKE_OVER: 15,
    StepKind.CLIENT: 20,
    StepKind.COPY: 60,
}


@dataclass(frozen=True)
class Step:
    """One step. It may start when all of `after` have succeeded."""

    kind: StepKind
    subject: str
    why: str
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Unique in its plan, e.g. "launch nfs-srv-2"."""
        return f"{self.kind.value} {self.subject}"

    @property
    def expected_seconds(self) -> int:
        """What the step usually takes on bare metal."""
        return _EXPECTED[self.kind]


def split_name(name: str) -> tuple[StepKind | None, str]:
    """The kind and the subject of a step by its name; None and "" for another name."""
    word, _, subject = name.partition(" ")
    kind = next((k for k in StepKind if k.value == word), None)
    return (kind, subject) if kind and subject else (None, "")


@dataclass(frozen=True)
class Plan:
    """What will be done, in which order, and what is right already. Empty `steps`: all is right.

    `evidence`: why a server that does not answer is fenced as it is, a line each.
    """

    target: str
    loser: str | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step of this name; KeyError when there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {s.name: s for s in self.steps}

    def before(self, name: str) -> set[str]:
        """The names of all steps that have ended before this one may start."""
        direct = self.step(name).after
        return set(direct).union(*(self.before(d) for d in direct)) if direct else set()
