"""What the image's state and age mean for a failover."""

from datetime import timedelta

import pytest

from failover.cloud.resources import ImageFound
from failover.preflight.check import Result
from failover.preflight.checks import image
from tests.unit.failover.preflight.ground import NOW, complete


@pytest.mark.parametrize(
    ("state", "age", "outcome"),
    [
        ("AVAILABLE", 89, Result.OK),
        ("AVAILABLE", 91, Result.WARNING),
        ("PROVISIONING", 0, Result.BLOCKING),
        ("DELETED", 1, Result.BLOCKING),
        ("DISABLED", 1, Result.BLOCKING),
    ],
)
def test_an_image(state: str, age: int, outcome: Result) -> None:
    found = image.judge("nfs-srv-2", ImageFound("golden", state, NOW - timedelta(days=age)), NOW, 90)
    assert found.outcome is outcome
    assert complete(found)
    assert f"{age} days old" in found.found
