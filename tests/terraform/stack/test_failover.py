"""A site's life: adopt and attach, launch, switch, fail back. The tests are its steps, in this order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hooks.boot.metadata import unpacked
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables

pytestmark = pytest.mark.checked(sources.RUN)

ATTACHMENTS = ('oci_core_volume_attachment.data["bv1"]', 'oci_core_volume_attachment.data["bv2"]')
BOTH_REPLACED = {name: ["delete", "create"] for name in ATTACHMENTS}
SECOND_SERVER = 'oci_core_instance.server["nfs-srv-2"]'


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Variables:
    return make_site()


@pytest.fixture(scope="module")
def stack(site: Variables, make_stack: MakeStack, cloud: LabCloud) -> Iterator[LaidStack]:
    laid = make_stack(site)
    yield laid
    # All sites share a compartment: the tag of this one's server must not be found by another.
    second = laid.output()["servers"]["nfs-srv-2"]["instance_id"]
    if second is not None:
        cloud.terminate(second)


@pytest.fixture(scope="module")
def volume_ids(site: Variables) -> list[str]:
    return [volume["volume_id"] for volume in site["volumes"].values()]


def switch(stack: LaidStack, server: str) -> None:
    (stack.folder / "active.auto.tfvars").write_text(f'active_server = "{server}"\n')


def holders(cloud: LabCloud, volume_ids: list[str]) -> set[str]:
    return {holder for volume_id in volume_ids for holder in cloud.holders(volume_id)}


def test_1_apply_attaches_to_the_adopted_server(
    stack: LaidStack, cloud: LabCloud, volume_ids: list[str], first_server: str
) -> None:
    output = stack.apply()
    assert holders(cloud, volume_ids) == {first_server}
    assert output["active"] == "nfs-srv-1"
    assert output["servers"]["nfs-srv-1"]["address"] == cloud.address(first_server)
    for volume in output["volumes"].values():
        assert volume["instance_id"] == first_server
        assert volume["iqn"].startswith("iqn.2015-12.com.oracleiaas:")
        assert volume["address"].startswith("169.254.")
        assert volume["port"] == 3260
    assert output["spec"] == expected_spec(volume_ids)
    assert stack.is_settled()


def expected_spec(volume_ids: list[str]) -> dict[str, Any]:
    return {
        "version": 1,
        "role": "server",
        "volumes": [
            {"name": "bv1", "volume_id": volume_ids[0]},
            {"name": "bv2", "volume_id": volume_ids[1]},
        ],
        "volume_groups": [{"name": "vg1", "volumes": ["bv1", "bv2"]}],
        "filesystems": [
            {
                "volume_group": "vg1",
                "logical_volume": "lv01",
                "volume": None,
                "mount": "/mnt/a",
                "type": "xfs",
                "options": "defaults,_netdev,nofail",
                "uuid": None,
            }
        ],
        "exports": [
            {
                "path": "/mnt/a",
                "clients": ["10.0.0.0/16"],
                "options": "rw,sync,no_subtree_check",
                "fsid": 1,
            }
        ],
        "networks": [],
        "service_address": None,
        "settings": {"files": []},
        "locks": None,
    }


def test_2_launch_adds_one_instance_and_nothing_else(stack: LaidStack) -> None:
    assert stack.actions(launch=["nfs-srv-2"]) == {SECOND_SERVER: ["create"]}
    second = stack.apply(launch=["nfs-srv-2"])["servers"]["nfs-srv-2"]
    assert second["exists"]
    assert not second["adopted"]
    assert second["instance_id"].startswith("ocid1.instance.")
    assert second["address"].startswith("10.0.0.")
    assert stack.is_settled(), "a launched server stays without `launch`"


def test_3_the_launched_server_got_its_metadata(stack: LaidStack, cloud: LabCloud) -> None:
    second = stack.apply()["servers"]["nfs-srv-2"]["instance_id"]
    instance = cloud.compute.get_instance(second).data
    assert set(instance.metadata) == {"ssh_authorized_keys", "user_data", "nfs_failover"}
    assert json.loads(unpacked(instance.metadata["nfs_failover"])) == stack.output()["spec"]
    assert instance.freeform_tags == {"nfs-failover-server": "nfs-srv-2"}


def test_4_switch_replaces_the_attachments_and_nothing_else(
    stack: LaidStack, cloud: LabCloud, volume_ids: list[str], first_server: str
) -> None:
    switch(stack, "nfs-srv-2")
    released = stack.attachments()
    assert stack.actions(released=released) == BOTH_REPLACED
    before = len(cloud.requests())
    output = stack.apply(released=released)
    calls = [call["operation"] for call in cloud.requests()[before:]]
    changing = [call for call in calls if call in ("DetachVolume", "AttachVolume")]
    assert changing == ["DetachVolume"] * 2 + ["AttachVolume"] * 2
    assert holders(cloud, volume_ids) == {output["servers"]["nfs-srv-2"]["instance_id"]}
    assert stack.is_settled()


def test_5_a_stopped_old_server_keeps_its_address_and_the_plan_empty(
    stack: LaidStack, cloud: LabCloud, first_server: str
) -> None:
    cloud.power_off(first_server)
    assert stack.is_settled()
    assert stack.apply()["servers"]["nfs-srv-1"]["address"] == cloud.address(first_server)


def test_6_failback_keeps_the_second_server(
    stack: LaidStack, cloud: LabCloud, volume_ids: list[str], first_server: str
) -> None:
    switch(stack, "nfs-srv-1")
    released = stack.attachments()
    assert stack.actions(released=released) == BOTH_REPLACED
    second = stack.apply(released=released)["servers"]["nfs-srv-2"]["instance_id"]
    assert holders(cloud, volume_ids) == {first_server}
    assert cloud.compute.get_instance(second).data.lifecycle_state == "RUNNING"
    assert stack.is_settled()


def test_7_a_new_image_or_key_leaves_the_running_server_alone(stack: LaidStack, site: Variables) -> None:
    servers = {**site["servers"], "nfs-srv-2": {**site["servers"]["nfs-srv-2"], "hostname": "nfs-new"}}
    servers["nfs-srv-2"]["image_id"] = "ocid1.image.oc1.eu-frankfurt-1.aaaanewer"
    key = site["ssh_authorized_keys"] + "2"
    stack.change_site(servers=servers, ssh_authorized_keys=key)
    assert stack.actions() == {}
    stack.change_site(**site)


def test_8_no_plan_ends_a_launched_server(stack: LaidStack, site: Variables) -> None:
    only_first = {"nfs-srv-1": site["servers"]["nfs-srv-1"]}
    assert "Instance cannot be destroyed" in stack.refusal(servers=only_first)
