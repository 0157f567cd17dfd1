"""What all results together mean for a run."""

import pytest

from failover.model.outcome import Outcome, Refused, Unknown
from failover.preflight import check as checks
from failover.preflight.check import Check, CheckResult


def of(*results: CheckResult) -> list[Check]:
    return [Check(f"c{n}", r, f"found {n}", "x", f"remedy {n}") for n, r in enumerate(results)]


@pytest.mark.parametrize(
    ("results", "outcome", "code"),
    [
        ((CheckResult.OK, CheckResult.WARNING), Outcome.DONE, 0),
        ((CheckResult.OK, CheckResult.UNKNOWN, CheckResult.WARNING), Outcome.UNKNOWN, 5),
        ((CheckResult.UNKNOWN, CheckResult.BLOCKING), Outcome.REFUSED, 3),
    ],
)
def test_all_checks_together(results: tuple[CheckResult, ...], outcome: Outcome, code: int) -> None:
    assert checks.outcome(of(*results)) is outcome
    assert outcome.exit_code == code


def test_a_run_is_stopped_with_everything_at_once() -> None:
    assert checks.objection(of(CheckResult.OK, CheckResult.WARNING)) is None
    error = checks.objection(of(CheckResult.BLOCKING, CheckResult.OK, CheckResult.UNKNOWN))
    assert isinstance(error, Refused)
    assert error.reason == "preflight: c0: found 0; c2: found 2"
    assert error.remedy == "remedy 0; remedy 2"
    assert isinstance(checks.objection(of(CheckResult.UNKNOWN)), Unknown)
