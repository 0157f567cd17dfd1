"""Whether the target's subnet has an address for it."""

from dataclasses import replace
from typing import Any

import pytest

from failover.preflight.check import Result
from failover.preflight.checks import address
from tests.unit.failover.preflight.ground import AD2, LAUNCH, SUBNET, complete


@pytest.mark.parametrize(
    ("changes", "taken", "outcome"),
    [
        ({"private_ip": "10.0.0.2"}, set(), Result.OK),
        ({"private_ip": "10.0.0.2"}, {"10.0.0.2"}, Result.BLOCKING),
        ({"private_ip": "10.0.0.0"}, set(), Result.BLOCKING),
        ({"private_ip": "10.0.0.1"}, set(), Result.BLOCKING),  # the virtual router's
        ({"private_ip": "10.0.0.7"}, set(), Result.BLOCKING),  # broadcast
        ({"private_ip": "10.0.0.8"}, set(), Result.BLOCKING),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5)}, Result.OK),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5, 6)}, Result.BLOCKING),
    ],
)
def test_an_address(changes: dict[str, Any], taken: set[str], outcome: Result) -> None:
    found = address.judge("nfs-srv-2", replace(LAUNCH, **changes), SUBNET, taken)
    assert found.outcome is outcome, found
    assert complete(found)


@pytest.mark.parametrize("changes", [{"state": "TERMINATING"}, {"availability_domain": AD2}])
def test_a_subnet_that_does_not_serve_the_target(changes: dict[str, Any]) -> None:
    found = address.judge("nfs-srv-2", LAUNCH, replace(SUBNET, **changes), set())
    assert found.outcome is Result.BLOCKING
    assert complete(found)
