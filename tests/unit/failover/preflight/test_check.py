"""What all results together mean for a run."""

import pytest

from failover.model.outcome import Outcome, Refused, Unknown
from failover.preflight import check as checks
from failover.preflight.check import Check, Result


def of(*results: Result) -> list[Check]:
    return [Check(f"c{n}", r, f"found {n}", "x", f"remedy {n}") for n, r in enumerate(results)]


@pytest.mark.parametrize(
    ("results", "outcome", "code"),
    [
        ((Result.OK, Result.WARNING), Outcome.DONE, 0),
        ((Result.OK, Result.UNKNOWN, Result.WARNING), Outcome.UNKNOWN, 5),
        ((Result.UNKNOWN, Result.BLOCKING), Outcome.REFUSED, 3),
    ],
)
def test_all_checks_together(results: tuple[Result, ...], outcome: Outcome, code: int) -> None:
    assert checks.outcome(of(*results)) is outcome
    assert outcome.exit_code == code


def test_a_run_is_stopped_with_everything_at_once() -> None:
    assert checks.objection(of(Result.OK, Result.WARNING)) is None
    error = checks.objection(of(Result.BLOCKING, Result.OK, Result.UNKNOWN))
    assert isinstance(error, Refused)
    assert error.reason == "preflight: c0: found 0; c2: found 2"
    assert error.remedy == "remedy 0; remedy 2"
    assert isinstance(checks.objection(of(Result.UNKNOWN)), Unknown)
