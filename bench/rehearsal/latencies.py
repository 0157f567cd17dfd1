"""Latencies of writes beside what went on meanwhile; pure. All times are in seconds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Span = tuple[float, float]  # from, to: seconds since 1970


@dataclass(frozen=True)
class Write:
    """One write and its fsync. at: when it ended, since 1970. seconds: both; None where it failed."""

    at: float
    seconds: float | None
    error: str = ""

    @property
    def began(self) -> float:
        """When it began, since 1970; of a failed one when it failed."""
        return self.at - (self.seconds or 0.0)


@dataclass(frozen=True)
class Latency:
    """Of so many writes: the median, and what 95 of 100 stay below; seconds. errors: writes that failed."""

    count: int
    median: float
    high: float
    errors: int

    @staticmethod
    def of(writes: Sequence[Write]) -> Latency:
        """Raises ValueError where no write succeeded."""
        seconds = sorted(w.seconds for w in writes if w.seconds is not None)
        if not seconds:
            raise ValueError(f"no write of {len(writes)} succeeded")
        high = seconds[max(math.ceil(len(seconds) * 0.95) - 1, 0)]
        return Latency(len(seconds), statistics.median(seconds), high, len(writes) - len(seconds))


def parsed(notes: str, ahead: float = 0.0) -> list[Write]:
    """The complete lines of fsync_writer.py's notes. `ahead`: of the client's clock before ours."""
    writes = []
    for line in notes.splitlines(keepends=True):
        words = line.split()
        if not line.endswith("\n") or len(words) < 2:
            continue
        at = float(words[0]) - ahead
        failed = words[1] == "error"
        writes.append(Write(at, None, " ".join(words[2:])) if failed else Write(at, float(words[1])))
    return writes


def within(writes: Iterable[Write], span: Span) -> list[Write]:
    """Those that were under way at some moment of it: a write that waits for its end belongs to it."""
    return [w for w in writes if w.at >= span[0] and w.began <= span[1]]


def added(idle: Latency, busy: Latency) -> float:
    """What the median grew by, as a share: 0.05 is 5 %."""
    return busy.median / idle.median - 1


def spans(journal: Iterable[Mapping[str, Any]]) -> dict[str, Span]:
    """From when to when each step of a rehearsal went on, by its journal; without one that did not end."""
    begun: dict[str, float] = {}
    ended: dict[str, Span] = {}
    for event in journal:
        step, at = event.get("step"), datetime.fromisoformat(event["at"]).timestamp()
        if step and event["event"] == "step-started":
            begun[step] = at
        elif step and step in begun:
            ended[step] = (begun[step], at)
    return ended
