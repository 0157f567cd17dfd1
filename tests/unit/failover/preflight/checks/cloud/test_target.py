"""The target's own instance, state by state."""

import pytest

from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import target
from tests.unit.failover.preflight.ground import complete


@pytest.mark.parametrize(
    ("state", "adopted", "outcome"),
    [
        ("RUNNING", True, CheckResult.OK),
        ("STOPPED", True, CheckResult.OK),
        ("STOPPING", False, CheckResult.OK),
        ("MOVING", False, CheckResult.BLOCKING),
        ("TERMINATING", True, CheckResult.BLOCKING),
        ("TERMINATING", False, CheckResult.WARNING),
        ("TERMINATED", True, CheckResult.BLOCKING),
        ("TERMINATED", False, CheckResult.OK),
    ],
)
def test_a_target(state: str, adopted: bool, outcome: CheckResult) -> None:
    found = target.judge("nfs-srv-2", state, adopted)
    assert found.outcome is outcome
    assert complete(found)
