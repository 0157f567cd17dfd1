"""The target's own instance, state by state."""

import pytest

from failover.preflight.check import Result
from failover.preflight.checks import target
from tests.unit.failover.preflight.ground import complete


@pytest.mark.parametrize(
    ("state", "adopted", "outcome"),
    [
        ("RUNNING", True, Result.OK),
        ("STOPPED", True, Result.OK),
        ("STOPPING", False, Result.OK),
        ("MOVING", False, Result.BLOCKING),
        ("TERMINATED", True, Result.BLOCKING),
        ("TERMINATED", False, Result.OK),
    ],
)
def test_a_target(state: str, adopted: bool, outcome: Result) -> None:
    found = target.judge("nfs-srv-2", state, adopted)
    assert found.outcome is outcome
    assert complete(found)
