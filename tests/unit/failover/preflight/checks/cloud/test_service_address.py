"""The service's address, by who has it now."""

import pytest

from failover.cloud.resources import PrivateIp
from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import service_address
from tests.unit.failover.preflight.ground import complete

OTHER = PrivateIp("p1", "10.0.0.10", is_primary=True, vnic_id="v1")


@pytest.mark.parametrize(
    ("ips", "outcome"),
    [
        ([OTHER, PrivateIp("p2", "10.0.0.200", is_primary=False, vnic_id="v1")], CheckResult.OK),
        ([OTHER, PrivateIp("p2", "10.0.0.200", is_primary=True, vnic_id="v2")], CheckResult.BLOCKING),
        ([OTHER], CheckResult.WARNING),
    ],
)
def test_a_service_address(ips: list[PrivateIp], outcome: CheckResult) -> None:
    looked = service_address.judge("10.0.0.200", ips)
    assert looked.outcome is outcome, looked
    assert complete(looked)
