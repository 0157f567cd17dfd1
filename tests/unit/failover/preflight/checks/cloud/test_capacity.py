"""What a capacity report means for a failover."""

import pytest

from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import capacity
from tests.unit.failover.preflight.ground import LAUNCH, complete


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("AVAILABLE", CheckResult.OK),
        ("OUT_OF_HOST_CAPACITY", CheckResult.BLOCKING),
        ("HARDWARE_NOT_SUPPORTED", CheckResult.BLOCKING),
        ("UNKNOWN_ENUM_VALUE", CheckResult.WARNING),
    ],
)
def test_a_capacity_report(status: str, outcome: CheckResult) -> None:
    found = capacity.judge(LAUNCH, status)
    assert found.outcome is outcome
    assert complete(found)
