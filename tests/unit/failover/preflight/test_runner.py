"""Errors become results, and no probe outlives its deadline."""

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from failover.cloud.inventory import Unanswered
from failover.model.outcome import Refused, Unknown, Usage
from failover.preflight import check as checks
from failover.preflight import runner
from failover.preflight.check import Check, CheckResult
from tests.unit.failover.preflight.ground import Bare


def ran(look: Callable[[Any], Any], advisory: bool = False, seconds: float = 5.0) -> Check:
    (check,) = runner.run([runner.Probe("p", look, seconds, advisory)], cast(Any, Bare()))
    return check


def failing(error: Exception) -> Callable[[Any], Any]:
    def look(_: Any) -> Any:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "advisory", "outcome"),
    [
        (Unanswered("GetImage", 404, "no"), False, CheckResult.UNKNOWN),
        (Unanswered("GetImage", 404, "no"), True, CheckResult.WARNING),
        (Unknown("nobody knows", "look"), False, CheckResult.UNKNOWN),
        (Unknown("nobody knows", "look"), True, CheckResult.WARNING),
        (Refused("no", "mend"), False, CheckResult.BLOCKING),
        (Usage("no", "mend"), True, CheckResult.BLOCKING),
    ],
)
def test_an_error_is_a_result(error: Exception, advisory: bool, outcome: CheckResult) -> None:
    check = ran(failing(error), advisory)
    assert check.outcome is outcome
    assert check.remedy


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ran(failing(ZeroDivisionError()))


def test_a_probe_that_hangs_is_left_behind_at_its_deadline() -> None:
    never = threading.Event()
    start = time.monotonic()
    late, quick = runner.run(
        [
            runner.Probe("late", lambda _: [checks.ok("late", str(never.wait(10)))], 0.1),
            runner.Probe("quick", lambda _: [checks.ok("quick", "")]),
        ],
        cast(Any, Bare()),
    )
    never.set()
    assert time.monotonic() - start < 5
    assert (late.outcome, quick.outcome) == (CheckResult.UNKNOWN, CheckResult.OK)
    assert "no answer within 0.1 s" in late.actual


def test_probes_run_beside_each_other() -> None:
    together = threading.Barrier(3, timeout=5)  # broken, and so a defect, unless all three are there

    def look(_: Any) -> list[Check]:
        together.wait()
        return []

    assert runner.run([runner.Probe(str(n), look) for n in range(3)], cast(Any, Bare())) == ()
