"""What the image's state and age mean for a failover."""

from datetime import timedelta

import pytest

from failover.cloud.resources import ImageFound
from failover.preflight.check import CheckResult
from failover.preflight.checks import image
from tests.unit.failover.preflight.ground import NOW, complete


@pytest.mark.parametrize(
    ("state", "age", "outcome"),
    [
        ("AVAILABLE", 89, CheckResult.OK),
        ("AVAILABLE", 91, CheckResult.WARNING),
        ("PROVISIONING", 0, CheckResult.BLOCKING),
        ("DELETED", 1, CheckResult.BLOCKING),
        ("DISABLED", 1, CheckResult.BLOCKING),
    ],
)
def test_an_image(state: str, age: int, outcome: CheckResult) -> None:
    found = image.judge("nfs-srv-2", ImageFound("golden", state, NOW - timedelta(days=age)), NOW, 90)
    assert found.outcome is outcome
    assert complete(found)
    assert f"{age} days old" in found.actual
