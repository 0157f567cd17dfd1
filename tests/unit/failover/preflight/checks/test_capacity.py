"""What a capacity report means for a failover."""

import pytest

from failover.preflight.check import Result
from failover.preflight.checks import capacity
from tests.unit.failover.preflight.ground import LAUNCH, complete


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("AVAILABLE", Result.OK),
        ("OUT_OF_HOST_CAPACITY", Result.BLOCKING),
        ("HARDWARE_NOT_SUPPORTED", Result.BLOCKING),
        ("UNKNOWN_ENUM_VALUE", Result.WARNING),
    ],
)
def test_a_capacity_report(status: str, outcome: Result) -> None:
    found = capacity.judge(LAUNCH, status)
    assert found.outcome is outcome
    assert complete(found)
