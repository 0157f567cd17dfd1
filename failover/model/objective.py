"""What a site demands of itself, held against what was measured: met, missed, or not known. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from failover.model.duration import duration

MET, MISSED, NOT_KNOWN = "met", "missed", "not known"


@dataclass(frozen=True)
class ObjectiveResult:
    """One objective. `verdict`: MET, MISSED or NOT_KNOWN. `actual` and `wanted` are for a person."""

    name: str
    verdict: str
    actual: str
    wanted: str

    def document(self) -> dict[str, str]:
        """JSON-ready values, with the keys that `status --json` has."""
        return {"name": self.name, "verdict": self.verdict, "actual": self.actual, "wanted": self.wanted}

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"objective {self.name} {self.verdict}: {self.actual}, wanted {self.wanted}"


def outage(outage_seconds: float | None, limit_seconds: float | None, least: bool = False) -> ObjectiveResult:
    """An outage against the objective; without an objective nothing is missed.

    `least`: the outage was at least so long: then it can be missed, and is never known to be met.
    """
    wanted = f"at most {duration(limit_seconds)}" if limit_seconds is not None else "no objective is set"
    if outage_seconds is None:
        return ObjectiveResult("outage_seconds", NOT_KNOWN, "no outage was measured", wanted)
    actual = f"{'at least ' if least else ''}{duration(outage_seconds)} of outage"
    if limit_seconds is None or (least and outage_seconds <= limit_seconds):
        return ObjectiveResult("outage_seconds", NOT_KNOWN, actual, wanted)
    verdict = MET if outage_seconds <= limit_seconds else MISSED
    return ObjectiveResult("outage_seconds", verdict, actual, wanted)


def age(
    name: str, what: str, at: datetime | None, now: datetime, limit_days: float | None
) -> ObjectiveResult:
    """How long ago `what` was done; never done is missed where there is an objective."""
    wanted = f"at most {limit_days:g} days ago" if limit_days is not None else "no objective is set"
    actual = f"{what} {ago(at, now)}" if at else f"{what}: never"
    if limit_days is None:
        return ObjectiveResult(name, NOT_KNOWN, actual, wanted)
    late = at is None or now - at > timedelta(days=limit_days)
    return ObjectiveResult(name, MISSED if late else MET, actual, wanted)


def ago(at: datetime, now: datetime) -> str:
    """E.g. "12 min ago", "3.5 days ago"."""
    seconds = max((now - at).total_seconds(), 0.0)
    if seconds < 86400:
        return f"{duration(float(round(seconds)))} ago"
    return f"{seconds / 86400:.1f} days ago"
