"""What the stack refuses before it touches anything, and what it says then."""

from typing import Any

import pytest

from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables

pytestmark = pytest.mark.checked(sources.RUN)

VOLUME = "ocid1.volume.oc1.eu-frankfurt-1.aaaa"


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Variables:
    return make_site()


@pytest.fixture(scope="module")
def stack(site: Variables, make_stack: MakeStack) -> LaidStack:
    return make_stack(site)


def with_server(site: Variables, name: str, **changes: Any) -> Variables:
    return {**site["servers"], name: {**site["servers"].get(name, {}), **changes}}


def test_an_unknown_active_server(stack: LaidStack) -> None:
    said = stack.refusal(active_server="nfs-srv-3")
    assert 'active_server is "nfs-srv-3", which is not one of servers (nfs-srv-1, nfs-srv-2)' in said
    assert said.count("Error:") == 1


def test_an_unknown_server_to_launch(stack: LaidStack) -> None:
    assert "launch names nfs-srv-9, not in servers" in stack.refusal(launch=["nfs-srv-9"])


def test_an_active_server_in_another_availability_domain(
    stack: LaidStack, site: Variables, cloud: LabCloud
) -> None:
    elsewhere = cloud.facts["availability_domains"][1]
    servers = with_server(site, "nfs-srv-2", availability_domain=elsewhere)
    said = stack.refusal(active_server="nfs-srv-2", servers=servers)
    assert "Volume bv1 is in" in said
    assert f"and nfs-srv-2 in {elsewhere}" in said
    assert "a volume attaches only inside its own availability domain" in said


def test_a_terminated_active_server(cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack) -> None:
    gone = cloud.launch("nfs-srv-0")
    lone = make_stack(make_site(server_id=gone))
    cloud.terminate(gone)
    assert f"nfs-srv-1 ({gone}) is terminated and cannot take bv1" in lone.refusal()


def test_a_launch_without_the_rendered_document(make_site: MakeSite, make_stack: MakeStack) -> None:
    stack = make_stack(make_site())
    (stack.folder / "rendered" / "user_data").unlink()
    assert stack.actions(), "an adopted server needs none"
    assert "run `invoke render` first" in stack.refusal(launch=["nfs-srv-2"])


def test_metadata_over_the_limit(make_site: MakeSite, make_stack: MakeStack) -> None:
    stack = make_stack(make_site())
    (stack.folder / "rendered" / "user_data").write_text("A" * 32_000)
    assert "more than OCI's 32000" in stack.refusal(launch=["nfs-srv-2"])
    said = stack.refusal(launch=["nfs-srv-2"], hooks_url="https://hooks.example/p/KEY/hooks.pyz")
    assert "more than OCI's 32000" in said, "the figure is shown, whatever is sensitive in the metadata"
    assert "KEY" not in said


def test_a_volume_group_of_an_unknown_volume(stack: LaidStack, site: Variables) -> None:
    storage = {**site["storage"], "volume_groups": {"vg1": {"volumes": ["bv1", "bv3"]}}}
    assert "storage.volume_groups lists bv3, not in volumes (bv1, bv2)" in stack.refusal(storage=storage)


BAD_VALUES: list[tuple[str, Any, str]] = [
    ("region", "Tokyo; rm", "region must be a region identifier"),
    ("compartment_id", "my-compartment", "must be the OCID of a compartment"),
    ("service_ip", "10.0.0.300", "service_ip must be a free IPv4 address"),
    ("ssh_authorized_keys", "-----BEGIN OPENSSH PRIVATE KEY-----", "A private key never belongs here"),
    ("hooks_url", "file:///opt/hooks.pyz", "must be an address that begins with https://"),
    ("hooks_url", "https://a b", "must be an address that begins with https://"),
    ("volumes", {"bv 1": {"volume_id": VOLUME}}, "Each name in volumes must be"),
    ("volumes", {"bv1": {"volume_id": "ocid1.bootvolume.oc1..aaaa"}}, "not of a boot volume"),
    ("volumes", {"a": {"volume_id": VOLUME}, "b": {"volume_id": VOLUME}}, "have the same volume_id"),
    ("volumes", {"bv1": {"size_in_gbs": 50}}, "needs availability_domain"),
    ("volumes", {"bv1": {"size_in_gbs": 7, "availability_domain": "AD-1"}}, "from 50 to 32768"),
    ("volumes", {"bv1": {"volume_id": VOLUME, "vpus_per_gb": 30}}, "need multipath"),
    ("servers", {"nfs_srv;1": {"instance_id": "ocid1.instance.oc1..aaaa"}}, "must be a hostname label"),
    ("servers", {"nfs-srv-1": {}}, "exactly one of instance_id"),
    ("servers", {"nfs-srv-1": {"instance_id": "nfs-srv-1"}}, "must be the OCID of an instance"),
    (
        "servers",
        {"nfs-srv-1": {"image_id": "ocid1.image.oc1..aaaa"}},
        "also needs shape, availability_domain",
    ),
]


@pytest.mark.parametrize(("variable", "value", "message"), BAD_VALUES)
def test_a_bad_value(stack: LaidStack, variable: str, value: Any, message: str) -> None:
    said = stack.refusal(**{variable: value})
    assert message in said
    assert "Invalid value for variable" in said


BAD_SERVERS: list[tuple[str, Any, str]] = [
    ("private_ip", "10.0.0", "private_ip in servers must be an IPv4 address"),
    ("hostname", "nfs$(id)", "hostname in servers must be a hostname label"),
    ("subnet_id", "subnet", "must be the OCID of a subnet"),
    ("nsg_ids", ["nsg"], "must be OCIDs of network security groups"),
    ("shape", "BM", "must be the name of a shape"),
    ("fault_domain", "FD-1", "must be FAULT-DOMAIN-1"),
    ("boot_volume_size_in_gbs", 5, "must be from 50 to 32768"),
    ("shape_config", {"ocpus": 0}, "needs ocpus and memory_in_gbs above 0"),
]
BAD_FILESYSTEMS: list[tuple[str, Any, str]] = [
    ("volume_group", "vg2", "must be one of the names in storage.volume_groups"),
    ("logical_volume", "lv 01", "must be an LVM name"),
    ("mount", "/mnt/../etc", "must be an absolute path"),
    ("mount", "/mnt/a b", "must be an absolute path"),
    ("mount", "/mnt/b", "must be the mount of one of storage.filesystems"),
    ("type", "btrfs", "must be xfs or ext4"),
    ("options", "defaults,_netdev", "nofail among them"),
    ("options", "nofail,x y", "must be mount options joined by commas"),
    ("options", "noatime,ro,nofail", "ro is none of them"),
    ("uuid", "1234", "must be the UUID that `blkid` shows"),
]
BAD_EXPORTS: list[tuple[str, Any, str]] = [
    ("path", "mnt/a", "must be an absolute path"),
    ("clients", [], "must list networks"),
    ("clients", ["10.0.0.0/33"], "must list networks"),
    ("clients", ["10.0.0.0/255.255.0.1"], "must list networks"),
    ("clients", ["@"], "must list networks"),
    ("clients", ["10.0.0"], "must list networks"),
    ("options", "rw;id", "must be exports(5) options"),
    ("fsid", -1, "must be a whole number"),
]


def test_every_bad_server_is_named_at_once(stack: LaidStack, site: Variables) -> None:
    bad: dict[str, dict[str, Any]] = {
        "reserved": {"capacity_reservation_id": "mine"},
        "plugged": {"agent_plugins": {"Bastion": "on"}},
        "double-login": {"agent_plugins": {"Block Volume Management": "ENABLED"}},
        "tagged": {"tags": {"nfs-failover-server": "nfs-srv-1"}},
        "undefined": {"defined_tags": {"CostCenter": "42"}},
    }
    good = site["servers"]["nfs-srv-2"]
    said = stack.refusal(servers={**site["servers"], **{n: {**good, **wrong} for n, wrong in bad.items()}})
    for message in (
        "capacity_reservation_id in servers must be the OCID of a capacity reservation",
        "agent_plugins in servers must map names of Oracle Cloud Agent plugins",
        "a login has one owner, the hooks",
        "tags in servers must not have nfs-failover-server",
        'defined_tags in servers must have keys of the form "Namespace.Key"',
    ):
        assert message in said


def test_no_volume_and_too_many(stack: LaidStack, site: Variables) -> None:
    assert "0 volumes are described, and 1 to 32 can be" in stack.refusal(volumes={})
    domain = site["servers"]["nfs-srv-2"]["availability_domain"]
    new = {f"bv{n}": {"availability_domain": domain, "size_in_gbs": 50} for n in range(1, 34)}
    assert "33 volumes are described, and 1 to 32 can be" in stack.refusal(volumes=new)


def test_a_service_address_that_would_leave_its_subnet(
    stack: LaidStack, site: Variables, cloud: LabCloud
) -> None:
    elsewhere = cloud.facts["storage_subnet_id"]
    servers = with_server(site, "nfs-srv-2", subnet_id=elsewhere)
    said = stack.refusal(servers=servers, service_ip="10.0.0.201")
    assert "service_ip moves inside one subnet only, and nfs-srv-2 has no VNIC in 10.0.0.0/24" in said


@pytest.mark.parametrize(("field", "value", "message"), BAD_SERVERS)
def test_a_bad_server(stack: LaidStack, site: Variables, field: str, value: Any, message: str) -> None:
    assert message in stack.refusal(servers=with_server(site, "nfs-srv-2", **{field: value}))


@pytest.mark.parametrize(("field", "value", "message"), BAD_FILESYSTEMS)
def test_a_bad_filesystem(stack: LaidStack, site: Variables, field: str, value: Any, message: str) -> None:
    filesystem = {**site["storage"]["filesystems"]["a"], field: value}
    storage = {**site["storage"], "filesystems": {"a": filesystem}}
    assert message in stack.refusal(storage=storage)


UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"
STRAIGHT: dict[str, Any] = {"volume": "bv2", "mount": "/mnt/b", "uuid": UUID}
BAD_STRAIGHT: list[tuple[dict[str, Any], str]] = [
    ({"uuid": None}, "also needs uuid, by which it is found on the volume"),
    ({"volume": None}, "needs either volume_group and logical_volume or, without LVM, volume"),
    ({"logical_volume": "lv01"}, "needs either volume_group and logical_volume or, without LVM, volume"),
    ({"volume": "bv1"}, "A volume is in storage.volume_groups and has a filesystem"),
    ({"volume": "bv3"}, "volume of the filesystem on /mnt/b is bv3 and not in volumes (bv1, bv2)"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_STRAIGHT)
def test_a_bad_filesystem_straight_on_a_volume(
    stack: LaidStack, site: Variables, changes: dict[str, Any], message: str
) -> None:
    filesystems = {**site["storage"]["filesystems"], "b": {**STRAIGHT, **changes}}
    groups = {"vg1": {"volumes": ["bv1"]}}
    said = stack.refusal(storage={**site["storage"], "volume_groups": groups, "filesystems": filesystems})
    assert message in said


def test_two_filesystems_of_one_uuid(stack: LaidStack, site: Variables) -> None:
    filesystems = {"a": {**STRAIGHT, "mount": "/mnt/a"}, "b": {**STRAIGHT, "volume": "bv1"}}
    said = stack.refusal(storage={**site["storage"], "volume_groups": {}, "filesystems": filesystems})
    assert "Two of storage.filesystems have the same uuid" in said


@pytest.mark.parametrize(("field", "value", "message"), BAD_EXPORTS)
def test_a_bad_export(stack: LaidStack, site: Variables, field: str, value: Any, message: str) -> None:
    export = {**site["storage"]["exports"][0], field: value}
    assert message in stack.refusal(storage={**site["storage"], "exports": [export]})
