"""A precheck's result as a value, and what all results together mean for a run. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from failover.model.outcome import FailoverError, Outcome, Refused, Unknown


class CheckResult(enum.Enum):
    """What a check came to. BLOCKING: a failover would fail. UNKNOWN: it could not be learnt."""

    OK = "ok"
    WARNING = "warning"
    BLOCKING = "blocking"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. A check that is not OK has a remedy."""

    name: str
    outcome: CheckResult
    actual: str
    expected: str = ""
    remedy: str = ""

    def document(self) -> dict[str, str]:
        """JSON-ready texts: "name", "outcome" (a CheckResult's value), "actual", "expected" and "remedy"."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "actual": self.actual,
            "expected": self.expected,
            "remedy": self.remedy,
        }


def ok(name: str, actual: str) -> Check:
    """It is as it should be, or does not matter for this target."""
    return Check(name, CheckResult.OK, actual)


def warning(name: str, actual: str, expected: str, remedy: str) -> Check:
    """A failover would still work."""
    return Check(name, CheckResult.WARNING, actual, expected, remedy)


def blocking(name: str, actual: str, expected: str, remedy: str) -> Check:
    """A failover would not work."""
    return Check(name, CheckResult.BLOCKING, actual, expected, remedy)


def unknown(name: str, actual: str, expected: str, remedy: str) -> Check:
    """Whether a failover would work is not known."""
    return Check(name, CheckResult.UNKNOWN, actual, expected, remedy)


def of(checks: Iterable[Check], *outcomes: CheckResult) -> tuple[Check, ...]:
    """The checks with one of these outcomes."""
    return tuple(c for c in checks if c.outcome in outcomes)


def outcome(checks: Iterable[Check]) -> Outcome:
    """DONE when a failover would work, REFUSED when something is in its way, UNKNOWN when that is not known.

    What is known to be in the way counts for more than what is not known.
    """
    results = {c.outcome for c in checks}
    if CheckResult.BLOCKING in results:
        return Outcome.REFUSED
    return Outcome.UNKNOWN if CheckResult.UNKNOWN in results else Outcome.DONE


def objection(checks: Iterable[Check]) -> FailoverError | None:
    """What a run is stopped with: every blocking and unknown check at once, with all remedies."""
    against = of(checks, CheckResult.BLOCKING, CheckResult.UNKNOWN)
    if not against:
        return None
    reason = "; ".join(f"{c.name}: {c.actual}" for c in against)
    remedy = "; ".join(dict.fromkeys(c.remedy for c in against))
    error = Refused if outcome(against) is Outcome.REFUSED else Unknown
    return error(f"preflight: {reason}", remedy)
