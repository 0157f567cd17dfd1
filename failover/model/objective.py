"""What a site demands of itself, held against what was measured: met, missed, or not known. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from failover.model.duration import duration

MET, MISSED, NOT_KNOWN = "met", "missed", "not known"


@dataclass(frozen=True)
class ObjectiveResult:
    """One objective. `verdict`: MET, MISSED or NOT_KNOWN. `found` and `wanted` are for a person."""

    name: str
    verdict: str
    found: str
    wanted: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"objective {self.name} {self.verdict}: {self.found}, wanted {self.wanted}"


def outage(found_seconds: float | None, limit_seconds: float | None, least: bool = False) -> ObjectiveResult:
    """An outage against the objective; without an objective nothing is missed.

    `least`: the outage was at least so long: then it can be missed, and is never known to be met.
    """
    wanted = f"at most {duration(limit_seconds)}" if limit_seconds is not None else "no objective is set"
    if found_seconds is None:
        return ObjectiveResult("outage_seconds", NOT_KNOWN, "no outage was measured", wanted)
    found = f"{'at least ' if least else ''}{duration(found_seconds)} of outage"
    if limit_seconds is None or (least and found_seconds <= limit_seconds):
        return ObjectiveResult("outage_seconds", NOT_KNOWN, found, wanted)
    verdict = MET if found_seconds <= limit_seconds else MISSED
    return ObjectiveResult("outage_seconds", verdict, found, wanted)


def age(
    name: str, what: str, at: datetime | None, now: datetime, limit_days: float | None
) -> ObjectiveResult:
    """How long ago `what` was done; never done is missed where there is an objective."""
    wanted = f"at most {limit_days:g} days ago" if limit_days is not None else "no objective is set"
    found = f"{what} {ago(at, now)}" if at else f"{what}: never"
    if limit_days is None:
        return ObjectiveResult(name, NOT_KNOWN, found, wanted)
    late = at is None or now - at > timedelta(days=limit_days)
    return ObjectiveResult(name, MISSED if late else MET, found, wanted)


def ago(at: datetime, now: datetime) -> str:
    """E.g. "12 min ago", "3.5 days ago"."""
    seconds = max((now - at).total_seconds(), 0.0)
    if seconds < 86400:
        return f"{duration(float(round(seconds)))} ago"
    return f"{seconds / 86400:.1f} days ago"
