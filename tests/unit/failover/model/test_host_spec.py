"""The spec in the stack's output: another shape is refused by its name, before it reaches a host."""

import json
from typing import Any

import pytest

from failover.model.host import host_spec
from failover.model.outcome import Usage
from hooks.contract import parse

GOOD: dict[str, Any] = {
    "version": 1,
    "role": "server",
    "deadline_seconds": 300,
    "volumes": [
        {"name": "bv1", "volume_id": None, "iqn": "iqn.2015-12.com.oracleiaas:x", "address": "169.254.2.2"}
        | {"port": 3260}
    ],
    "volume_groups": [{"name": "vg1", "volumes": ["bv1"]}],
    "filesystems": [
        {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a", "type": "xfs"}
        | {"options": "defaults,_netdev,nofail", "uuid": None}
    ],
    "exports": [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": "rw", "fsid": None}],
    "service_address": None,
    "settings": {"files": ["/etc/sysctl.d/90-nfs.conf"]},
}


def test_what_is_accepted_here_the_hooks_accept() -> None:
    assert host_spec.of_output(GOOD) == GOOD
    assert parse.parse(json.dumps(host_spec.of_output(GOOD))).filesystems[0].mount == "/mnt/a"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"volumes": None}, "spec.volumes is not a list"),
        ({"volumes": [{"volume_id": "x"}]}, r"spec.volumes\[0\] is not an object with name"),
        ({"volume_groups": [{"name": "vg1"}]}, r"spec.volume_groups\[0\] is not an object with volumes"),
        ({"filesystems": ["/mnt/a"]}, r"spec.filesystems\[0\] is not an object with mount"),
        ({"exports": {}}, "spec.exports is not a list"),
    ],
)
def test_another_shape_is_usage_and_names_the_place(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(Usage, match=where) as caught:
        host_spec.of_output({**GOOD, **changed})
    assert "terraform apply -refresh-only" in caught.value.remedy


@pytest.mark.parametrize("found", [None, [], "spec"])
def test_no_object_is_usage(found: object) -> None:
    with pytest.raises(Usage, match=r"spec\.volumes"):
        host_spec.of_output(found)
