"""The stack's output, whole and in part."""

from typing import Any

import pytest

from failover.model.outcome import Usage
from failover.model.stack_output import parse
from tests.unit.failover.preflight.ground import LAUNCH


def output(**server: Any) -> dict[str, Any]:
    entry = {
        "hostname": "s",
        "adopted": False,
        "exists": False,
        "instance_id": None,
        "address": None,
        **server,
    }
    return {
        "active": "s",
        "compartment_id": "c",
        "servers": {"s": entry},
        "volumes": {},
        "spec": {"volumes": []},
    }


def test_the_output_may_lack_what_a_server_is_launched_with() -> None:
    assert parse(output()).servers["s"].launch is None
    assert parse(output(launch=None)).servers["s"].launch is None
    assert parse(output(launch=vars(LAUNCH) | {"later": 1})).servers["s"].launch == LAUNCH
    with pytest.raises(Usage, match="image_id"):
        parse(output(launch={}))


def test_a_server_has_the_addresses_of_all_its_vnics() -> None:
    assert parse(output(address="10.0.0.12")).servers["s"].addresses == ("10.0.0.12",)
    vnics = [
        {"name": "primary", "subnet_id": "a", "nic_index": 0, "address": "10.0.0.12", "is_primary": True},
        {"name": "nfs", "subnet_id": "b", "nic_index": 1, "address": "10.0.2.12", "is_primary": False},
        {"name": "later", "subnet_id": "c", "nic_index": 1, "address": None, "is_primary": False},
    ]
    server = parse(output(address="10.0.0.12", vnics=vnics)).servers["s"]
    assert server.addresses == ("10.0.0.12", "10.0.2.12")
    assert [vnic.subnet_id for vnic in server.vnics] == ["a", "b", "c"]
