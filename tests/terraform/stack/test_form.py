"""The form: the same plan as with typed variables, its own refusals, and the packaged zip planned alone."""

import json
import zipfile
from pathlib import Path

import pytest

from failover.bundle.stack_archive import build_stack
from lab.provider.process import ProviderProcess
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.form_site import as_form, as_typed
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables

pytestmark = pytest.mark.checked(sources.RUN)

SECOND = 'oci_core_instance.server["nfs-srv-2"]'


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Variables:
    return make_site()


@pytest.fixture(scope="module")
def form(site: Variables, cloud: LabCloud) -> dict[str, str]:
    return as_form(site, cloud.facts["vcn_id"])


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory, provider: ProviderProcess) -> LaidStack:
    """The zip of `invoke package`, unpacked into an empty folder, and nothing else."""
    folder = tmp_path_factory.mktemp("packaged")
    with zipfile.ZipFile(build_stack(folder / "stack.zip")) as packed:
        packed.extractall(folder / "stack")
    return LaidStack.alone(folder / "stack", provider)


@pytest.fixture
def stack(unpacked: LaidStack, form: dict[str, str]) -> LaidStack:
    return unpacked.with_environment(form)


def test_the_zip_alone_plans_what_the_typed_variables_plan(
    stack: LaidStack, site: Variables, make_stack: MakeStack
) -> None:
    typed = make_stack(as_typed(site))
    made, expected = stack.plan(), typed.plan()
    assert made.outputs.keys() == expected.outputs.keys()
    for name, change in expected.output_changes.items():
        assert made.output_changes[name]["after"] == change["after"], name
    assert set(made.resource_changes) == set(expected.resource_changes)
    for address, change in expected.resource_changes.items():
        planned, wanted = made.resource_changes[address]["change"], change["change"]
        # of the metadata only user_data differs: the zip has the real one
        for one in (planned, wanted):
            (one["after"].get("metadata") or {}).pop("user_data", None)
            (one["after"].get("input") or {}).pop("at", None)  # of the record of the last switch: now
        assert planned == wanted, address
    assert SECOND in made.resource_changes


def test_a_list_in_another_order_changes_nothing(stack: LaidStack, form: dict[str, str]) -> None:
    turned = '["' + '", "'.join(reversed(form["TF_VAR_volume_ids"].strip('["]').split('", "'))) + '"]'
    assert turned != form["TF_VAR_volume_ids"]
    first = stack.plan().output_changes["failover"]["after"]["volumes"]
    other = stack.with_environment({**form, "TF_VAR_volume_ids": turned})
    assert other.plan().output_changes["failover"]["after"]["volumes"] == first


def test_an_existing_replacement_is_adopted(stack: LaidStack, form: dict[str, str], cloud: LabCloud) -> None:
    second = cloud.launch("nfs-srv-2-existing")
    adopted = {**form, "TF_VAR_replacement_exists": "true", "TF_VAR_replacement_instance_id": second}
    servers = stack.with_environment(adopted).plan().output_changes["failover"]["after"]["servers"]
    assert servers["nfs-srv-2"]["adopted"]
    assert servers["nfs-srv-2"]["instance_id"] == second
    twice = {**adopted, "TF_VAR_server_instance_id": second}
    assert "Two of servers are the same instance" in stack.with_environment(twice).refusal()


def test_a_flexible_shape_is_launched_as_asked(stack: LaidStack, form: dict[str, str]) -> None:
    flexible = {
        **form,
        "TF_VAR_replacement_is_flexible": "true",
        "TF_VAR_replacement_ocpus": "8",
        "TF_VAR_replacement_memory_in_gbs": "64",
    }
    planned = stack.with_environment(flexible).plan().resource_changes[SECOND]["change"]["after"]
    assert planned["shape_config"] == [{"memory_in_gbs": 64, "ocpus": 8}]


UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"


def test_a_filesystem_without_lvm(stack: LaidStack, form: dict[str, str]) -> None:
    one = json.dumps(json.loads(form["TF_VAR_volume_ids"])[:1])
    straight = {**form, "TF_VAR_uses_lvm": "false", "TF_VAR_filesystem_uuid": UUID, "TF_VAR_volume_ids": one}
    spec = stack.with_environment(straight).plan().output_changes["failover"]["after"]["spec"]
    assert spec["volume_groups"] == []
    (found,) = spec["filesystems"]
    assert (found["volume"], found["uuid"]) == (spec["volumes"][0]["name"], UUID)
    assert (found["volume_group"], found["logical_volume"]) == (None, None)


def test_a_second_vnic_is_launched_as_asked(stack: LaidStack, form: dict[str, str], cloud: LabCloud) -> None:
    second = {
        **form,
        "TF_VAR_replacement_secondary_subnet_id": cloud.facts["storage_subnet_id"],
        "TF_VAR_replacement_secondary_private_ip": "10.0.2.12",
    }
    address = 'oci_core_vnic_attachment.secondary["nfs-srv-2/secondary"]'
    planned = stack.with_environment(second).plan().resource_changes[address]["change"]["after"]
    assert planned["nic_index"] == 1
    assert planned["create_vnic_details"][0]["private_ip"] == "10.0.2.12"


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"server_instance_id": "", "replacement_image_id": ""}, "No server is described"),
    (
        {"active_server": "nfs-srv-2", "replacement_image_id": ""},
        "nfs-srv-2 has neither an instance nor an image",
    ),
    ({"active_server": "nfs-srv-3"}, "which is not one of servers (nfs-srv-1, nfs-srv-2)"),
    ({"replacement_name": "nfs-srv-1"}, 'server_name and replacement_name are both "nfs-srv-1"'),
    ({"replacement_subnet_id": ""}, "nfs-srv-2 has an image and also needs a shape, an availability domain"),
    ({"volume_ids": "[]"}, "0 volumes are described, and 1 to 32 can be"),
    (
        {"uses_lvm": "false", "filesystem_uuid": UUID},
        "on one data volume and is found by its UUID: 2 volumes are chosen",
    ),
    ({"export_clients": "[]"}, "Nobody may mount /mnt/a: list the networks of its clients"),
    ({"nfs_lease_seconds": "60"}, "nfs_grace_seconds is 45, and nfs_lease_seconds is 60"),
]
BAD_FIELDS = {
    "volume_ids": ('["ocid1.bootvolume.oc1..aaaaaaaa"]', "not of boot volumes"),
    "export_clients": ('["10.0.0.0/33"]', "export_clients must list networks"),
    "filesystem_uuid": ("1234", "filesystem_uuid must be the UUID"),
    "mount_path": ("/mnt/a b", "mount_path must be an absolute path"),
    "export_options": ("rw;id", "export_options must be exports(5) options"),
    "export_fsid": ("-1", "export_fsid must be a whole number"),
    "volume_group_name": ("vg 1", "volume_group_name must be an LVM name"),
    "logical_volume_name": ("$(id)", "logical_volume_name must be an LVM name"),
    "filesystem_type": ("btrfs", "filesystem_type must be xfs or ext4"),
    "server_name": ("nfs_srv;1", "server_name must be a hostname label"),
    "server_instance_id": ("nfs-srv-1", "server_instance_id must be the OCID of an instance"),
    "replacement_name": ("nfs_srv;2", "replacement_name must be a hostname label"),
    "replacement_instance_id": ("nfs-srv-2", "replacement_instance_id must be the OCID of an instance"),
    "replacement_image_id": ("image", "replacement_image_id must be the OCID of an image"),
    "replacement_availability_domain": ("AD 1", "replacement_availability_domain must be the full name"),
    "replacement_fault_domain": ("FD-1", "replacement_fault_domain must be FAULT-DOMAIN-1"),
    "replacement_shape": ("BM", "replacement_shape must be the name of a shape"),
    "replacement_ocpus": ("0", "replacement_ocpus must be above 0"),
    "replacement_memory_in_gbs": ("0", "replacement_memory_in_gbs must be above 0"),
    "replacement_boot_volume_size_in_gbs": ("5", "replacement_boot_volume_size_in_gbs must be from 50"),
    "replacement_capacity_reservation_id": ("r", "must be the OCID of a capacity reservation"),
    "replacement_subnet_id": ("subnet", "replacement_subnet_id must be the OCID of a subnet"),
    "replacement_nsg_id": ("nsg", "replacement_nsg_id must be the OCID of a network security group"),
    "replacement_private_ip": ("10.0.0", "replacement_private_ip must be an IPv4 address"),
    "replacement_secondary_subnet_id": ("subnet", "replacement_secondary_subnet_id must be the OCID"),
    "replacement_secondary_nic_index": ("2", "replacement_secondary_nic_index must be 0 or 1"),
    "replacement_secondary_private_ip": (
        "10.0.2",
        "replacement_secondary_private_ip must be an IPv4 address",
    ),
    "ssh_authorized_keys": ("-----BEGIN OPENSSH PRIVATE KEY-----", "A private key never belongs here"),
    "service_ip": ("10.0.0.300", "service_ip must be a free IPv4 address"),
    "dns_name": ("nfs", "dns_name must be a full host name"),
    "dns_zone": ("a b", "dns_zone must be the OCID of a DNS zone"),
    "dns_view_id": ("view", "dns_view_id must be the OCID of a DNS view"),
    "dns_ttl": ("0", "dns_ttl must be a whole number of seconds"),
    "nfs_lease_seconds": ("9", "nfs_lease_seconds must be a whole number from 10 to 90"),
    "nfs_grace_seconds": ("181", "nfs_grace_seconds must be a whole number from 10 to 180"),
    "settings_files": ('["/etc/ssh/sshd_config"]', "settings_files must list paths in /etc"),
    "fence": ("released", 'fence must be "power"'),
}


@pytest.mark.parametrize(("changed", "message"), REFUSED)
def test_a_form_that_cannot_be(
    stack: LaidStack, form: dict[str, str], changed: dict[str, str], message: str
) -> None:
    filled = {**form, **{f"TF_VAR_{name}": value for name, value in changed.items()}}
    assert message in stack.with_environment(filled).refusal()


def test_every_bad_field_is_named_at_once(stack: LaidStack, form: dict[str, str]) -> None:
    bad = {f"TF_VAR_{name}": value for name, (value, _) in BAD_FIELDS.items()}
    said = stack.with_environment({**form, **bad}).refusal()
    assert [message for _, message in BAD_FIELDS.values() if message not in said] == []


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = build_stack(tmp_path / "a.zip"), build_stack(tmp_path / "deeper" / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as packed:
        entries = packed.infolist()
        names = [entry.filename for entry in entries]
        assert {(e.date_time, e.external_attr >> 16) for e in entries} == {((1980, 1, 1, 0, 0, 0), 0o644)}
    assert first.stat().st_size < 11 * 1024 * 1024
    assert names == sorted(names)
    assert {"schema.yaml", "hooks.pyz", "rendered/user_data", "servers.tf"} <= set(names)
    unwanted = (".tfvars", ".tfstate", ".tftest.hcl", ".lock.hcl", ".json", ".md")
    assert not [name for name in names if name.endswith(unwanted) or name.startswith(".")]
