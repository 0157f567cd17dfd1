"""Whether the target's subnet has an address for it."""

from dataclasses import replace
from typing import Any

import pytest

from failover.cloud.resources import PrivateIp
from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import address
from tests.unit.failover.preflight.ground import AD2, LAUNCH, SECOND, SUBNET, complete


@pytest.mark.parametrize(
    ("changes", "taken", "outcome"),
    [
        ({"private_ip": "10.0.0.2"}, set(), CheckResult.OK),
        ({"private_ip": "10.0.0.2"}, {"10.0.0.2"}, CheckResult.BLOCKING),
        ({"private_ip": "10.0.0.0"}, set(), CheckResult.BLOCKING),
        ({"private_ip": "10.0.0.1"}, set(), CheckResult.BLOCKING),  # the virtual router's
        ({"private_ip": "10.0.0.7"}, set(), CheckResult.BLOCKING),  # broadcast
        ({"private_ip": "10.0.0.8"}, set(), CheckResult.BLOCKING),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5)}, CheckResult.OK),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5, 6)}, CheckResult.BLOCKING),
    ],
)
def test_an_address(changes: dict[str, Any], taken: set[str], outcome: CheckResult) -> None:
    found = address.judge("nfs-srv-2", replace(LAUNCH, **changes), SUBNET, taken)
    assert found.outcome is outcome, found
    assert complete(found)


def test_an_address_that_the_server_of_before_has_until_it_has_ended() -> None:
    wanted, used = replace(LAUNCH, private_ip="10.0.0.2"), {"10.0.0.2", "10.0.0.3"}
    kept = address.judge("nfs-srv-2", wanted, SUBNET, used, {"10.0.0.2"})
    assert kept.outcome is CheckResult.WARNING
    assert "is still that of nfs-srv-2, which is TERMINATING" in kept.actual
    assert complete(kept)
    of_another = address.judge("nfs-srv-2", wanted, SUBNET, used, {"10.0.0.3"})
    assert of_another.outcome is CheckResult.BLOCKING


@pytest.mark.parametrize(
    ("hostname", "own", "outcome"),
    [
        ("nfs-srv-1", set(), CheckResult.OK),
        (None, set(), CheckResult.OK),
        ("NFS-srv-2", set(), CheckResult.BLOCKING),
        ("nfs-srv-2", {"10.0.0.3"}, CheckResult.WARNING),
    ],
)
def test_a_hostname(hostname: str | None, own: set[str], outcome: CheckResult) -> None:
    ips = [PrivateIp("p", "10.0.0.3", is_primary=True, vnic_id="v", hostname=hostname)]
    judged = address.judge_hostname(SECOND, ips, own)
    assert judged.outcome is outcome, judged
    assert complete(judged)


@pytest.mark.parametrize("changes", [{"state": "TERMINATING"}, {"availability_domain": AD2}])
def test_a_subnet_that_does_not_serve_the_target(changes: dict[str, Any]) -> None:
    found = address.judge("nfs-srv-2", LAUNCH, replace(SUBNET, **changes), set())
    assert found.outcome is CheckResult.BLOCKING
    assert complete(found)
