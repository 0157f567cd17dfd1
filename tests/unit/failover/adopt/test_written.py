"""What is written of a site: over what a person has written, whose names, comments and additions stay."""

from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from failover.adopt import adopt, clients, site_text, texts, values
from failover.adopt.clients import Candidate, ClientLook
from failover.adopt.site import adopted
from failover.command.site_file import parse
from failover.model.outcome import Refused, Usage
from failover.model.site import Client, ClientMount
from failover.tfvars import hcl_reader, write
from tests.unit.failover.adopt.a_server import INSTANCE_ID, host, server, vnic, volume

MOUNTS = """\
22 1 254:0 / / rw - ext4 /dev/root rw
40 22 0:40 / /mnt/nfs/a rw - nfs4 nfs-srv-1:/mnt/a rw,vers=4.2,addr=10.0.0.11
41 22 0:40 /sub /srv/bound rw - nfs4 nfs-srv-1:/mnt/a rw,vers=4.2,addr=10.0.0.11
42 22 0:41 / /mnt/old rw - nfs 10.0.2.4:/mnt/a/sub rw,vers=3,addr=10.0.2.4
43 22 0:42 / /mnt/other rw - nfs filer:/vol rw,vers=3,addr=192.0.2.9
"""


def client(address: str = "10.0.0.21", *more: ClientMount) -> Client:
    return Client("nfs-cli", address, (ClientMount("/mnt/a", "/mnt/nfs/a"), *more))


def look(address: str = "10.0.0.21", client: Client | None = None) -> ClientLook:
    client = client or Client("nfs-cli", address, (ClientMount("/mnt/a", "/mnt/nfs/a"),))
    return ClientLook(Candidate(address, "seen by the server (v4)"), client)


def site_file(text: str = "", tmp_path: Path = Path("/etc/nfs")) -> tuple[str, object]:
    return text, parse(tomllib.loads(text), tmp_path / "site.toml")


def test_the_second_time_nothing_is_different() -> None:
    site = adopted(server(), host(), {})
    first = values.merged({}, site, None)
    again = hcl_reader.read(texts.variables(first, site))
    assert again == first
    assert values.merged(again, site, None) == again


def test_what_a_person_added_stays() -> None:
    site = adopted(server(), host(), {})
    mine = values.merged({}, site, None)
    mine["service_ip"] = "10.0.0.100"
    mine["servers"]["nfs-srv-2"] = {"image_id": "ocid1.image.oc1..x", "standby": True}
    mine["servers"]["nfs-srv-1"]["private_ip"] = "10.0.0.11"
    mine["volumes"]["bv9"] = {"volume_id": "ocid1.volume.oc1..away"}
    mine["storage"]["filesystems"] = {"data": mine["storage"]["filesystems"]["a"]}
    assert values.merged(mine, site, None) == mine


def test_what_has_drifted_is_brought_in() -> None:
    before = values.merged({}, adopted(server(), host(), {}), None)
    grown = adopted(server(volume(1), volume(2), volume(3)), host(), values.volume_names(before))
    after = values.merged(before, grown, None)
    assert set(after["volumes"]) == {"bv1", "bv2", "bv3"}
    assert {k: v for k, v in after.items() if k != "volumes"} == {
        k: v for k, v in before.items() if k != "volumes"
    }


def test_without_the_host_the_storage_that_is_written_stays() -> None:
    before = values.merged({}, adopted(server(), host(), {}), None)
    assert values.merged(before, adopted(server(), None, {}), None) == before


def test_a_name_that_is_another_instance_is_refused() -> None:
    site = adopted(server(), host(), {})
    with pytest.raises(Refused, match=r"nfs-srv-1 is ocid1\.instance\.oc1\.\.old"):
        values.merged({"servers": {"nfs-srv-1": {"instance_id": "ocid1.instance.oc1..old"}}}, site, None)


def test_a_server_that_the_stack_launched_keeps_its_image() -> None:
    launched = {"servers": {"nfs-srv-2": {"image_id": "ocid1.image.oc1..x", "shape": "BM.Optimized3.36"}}}
    seen = server(instance={"name": "nfs-srv-2", "tags": {"nfs-failover-server": "nfs-srv-2"}})
    name = values.server_name(launched, INSTANCE_ID, seen.instance.tags)
    assert name == "nfs-srv-2"
    assert values.merged(launched, adopted(seen, host(), {}, name), None)["servers"] == launched["servers"]


def test_the_replacement_is_as_the_server_is() -> None:
    second = vnic(primary=False, nic_index=1, name="nfs", subnet_id="ocid1.subnet.oc1.x.s2", nsg_ids=("n2",))
    site = adopted(replace(server(), vnics=(vnic(), second)), host(), {})
    made = values.merged({}, site, values.Successor("nfs-srv-2", "ocid1.image.oc1..i"))["servers"][
        "nfs-srv-2"
    ]
    assert made == {
        "image_id": "ocid1.image.oc1..i",
        "shape": "BM.Optimized3.36",
        "availability_domain": "Uocm:AP-TOKYO-1-AD-1",
        "subnet_id": "ocid1.subnet.oc1.ap-tokyo-1.s1",
        "boot_volume_size_in_gbs": 50,
        "secondary_vnics": {"nfs": {"subnet_id": "ocid1.subnet.oc1.x.s2", "nic_index": 1, "nsg_ids": ["n2"]}},
    }
    outline = texts.variables(values.merged({}, site, None), site)
    assert '# "nfs-srv-2" = {' in outline
    assert '#   image_id                = "ocid1.image..."' in outline
    assert set(hcl_reader.read(outline)["servers"]) == {"nfs-srv-1"}


def test_tags_and_plugins_go_to_the_replacement_but_those_of_others() -> None:
    labels = {
        "tags": {"owner": "hpc", "nfs-failover-server": "nfs-srv-1"},
        "defined_tags": {"Oracle-Tags": {"CreatedBy": "x"}, "Cost": {"Center": "42"}},
        "plugins": {"Block Volume Management": "ENABLED", "Bastion": "ENABLED"},
    }
    made = values.replacement(adopted(server(instance=labels), host(), {}))
    assert made["tags"] == {"owner": "hpc"}
    assert made["defined_tags"] == {"Cost.Center": "42"}
    assert made["agent_plugins"] == {"Block Volume Management": "DISABLED", "Bastion": "ENABLED"}


def test_only_attachments_that_no_state_has_are_imported() -> None:
    text = texts.imports({"bv1": "ocid1.volumeattachment.oc1..a"})
    assert 'to = oci_core_volume_attachment.data["bv1"]\n  id = "ocid1.volumeattachment.oc1..a"' in text
    assert texts.imports({}) == ""


def test_a_clients_mounts_are_told_by_the_address_that_its_kernel_talks_to() -> None:
    found = clients.mounts_of(MOUNTS, {"10.0.0.11", "10.0.2.4"}, None)
    assert found == (ClientMount("/mnt/a", "/mnt/nfs/a"), ClientMount("/mnt/a/sub", "/mnt/old"))
    assert clients.mounts_of(MOUNTS, {"10.0.0.99"}, None) == ()


def test_a_path_below_nfsv4s_root_is_the_exports() -> None:
    (found, _) = clients.mounts_of(MOUNTS.replace(":/mnt/a rw", ":/a rw"), {"10.0.0.11", "10.0.2.4"}, "/mnt")
    assert found == ClientMount("/mnt/a", "/mnt/nfs/a")


def test_a_file_of_clients_is_read_line_by_line() -> None:
    text = "# hosts\n10.0.0.21  # first\n\nnfs-cli.hpc.example\n10.0.0.21\n"
    assert clients.hosts_in(text, "hosts.txt") == ("10.0.0.21", "nfs-cli.hpc.example")
    with pytest.raises(Usage, match=r"hosts.txt line 2: found '10.0.0.999'"):
        clients.hosts_in("10.0.0.21\n10.0.0.999\n", "hosts.txt")
    with pytest.raises(Usage, match="line 1: found 'a b', expected one host"):
        clients.hosts_in("a b\n", "hosts.txt")


def test_a_file_of_clients_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_bytes(b"\xef\xbb\xbfnfs-cli\r\n10.0.0.21\r\n")
    assert clients.read_file(tmp_path / "hosts.txt") == ("nfs-cli", "10.0.0.21")


def test_the_server_is_no_client_of_itself() -> None:
    seen = {"10.0.0.11": ("socket",), "10.0.0.21": ("v4",), "127.0.0.1": ("socket",)}
    found = clients.candidates(seen, ("10.0.0.22",), ("10.0.0.11",))
    assert [one.address for one in found] == ["10.0.0.22", "10.0.0.21"]


def test_clients_come_to_the_end_of_a_site_file_and_nothing_else_changes() -> None:
    text, site = site_file('# mine\n[ssh]\nuser = "opc"  # everybody\n')
    made = site_text.with_clients(text, site, [look()])
    assert made.startswith(text)
    _, again = site_file(made)
    assert again.clients == (look().client,)
    assert site_text.with_clients(made, again, [look()]) == made


def test_a_client_of_a_known_name_at_another_address_is_another_one() -> None:
    text, site = site_file(site_text.with_clients("", site_file()[1], [look()]).lstrip())
    other = look("10.0.0.22", client("10.0.0.22", ClientMount("/mnt/a", "/x")))
    made = site_text.with_clients(text, site, [other])
    assert [c.name for c in site_file(made)[1].clients] == ["nfs-cli", "nfs-cli-1"]


def test_a_mount_that_a_site_file_lacks_is_said() -> None:
    _, site = site_file(site_text.with_clients("", site_file()[1], [look()]).lstrip())
    more = look(client=client("10.0.0.21", ClientMount("/mnt/a/b", "/b")))
    assert site_text.missing_mounts(site, [more]) == [
        "nfs-cli: /mnt/a/b on /b is mounted, and site.toml lacks it"
    ]


def test_nothing_is_written_where_nobody_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    said = io.StringIO()
    change = write.FileChange(tmp_path / "a.tfvars", "a = 1\n")
    with pytest.raises(Refused, match="There is no terminal"):
        write.write([change], Console(file=said), yes=False)
    assert not change.path.exists()
    assert "+a = 1" in said.getvalue()


def test_a_difference_is_shown_before_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.tfvars"
    path.write_text("a = 1\n# mine\n")
    said = io.StringIO()
    assert write.write([write.FileChange(path, "a = 2\n# mine\n")], Console(file=said), yes=True)
    assert path.read_text() == "a = 2\n# mine\n"
    assert "-a = 1\n+a = 2" in said.getvalue()
    assert not write.write([write.FileChange(path, "a = 2\n# mine\n")], Console(file=said), yes=True)


@pytest.mark.parametrize("mount", ["/mnt/😀", "/mnt/データ", '/mnt/a"b', "/mnt/a\\\\b", "/mnt/${a}"])
def test_a_client_s_mount_is_read_back_from_the_site_file_as_it_is(mount: str) -> None:
    found = Client("nfs-cli", "10.0.0.21", (ClientMount("/mnt/a", mount),))
    made = site_text.with_clients("", site_file()[1], [look(client=found)])
    assert site_file(made)[1].clients == (found,)


@pytest.mark.parametrize(
    "text",
    ["clients = []\n", 'clients = [{ name = "b", mounts = [{ path = "/mnt/a", mount = "/m" }] }]\n'],
)
def test_a_site_file_that_takes_no_more_tables_of_clients_is_named_and_stays(text: str) -> None:
    text, site = site_file(text)
    with pytest.raises(Usage, match=r"site.toml: no client can be added .*found clients = \[...\], expected"):
        site_text.with_clients(text, site, [look()])
    assert site_text.with_clients(text, site, []) == text


@pytest.mark.parametrize("name", ["nfs_cli", "-oProxyCommand=x", "*", "10.0.0.300", "a b"])
def test_a_client_of_a_name_that_no_site_file_takes_is_named_and_not_asked(name: str) -> None:
    """mountd's record (rmtab) has what a client called itself; site.toml would be refused by every verb."""

    class NoHosts:
        def at(self, name: str, address: str) -> None:
            raise AssertionError(name)

    (found,) = clients.look([Candidate(name, "seen")], NoHosts(), ["10.0.0.11"], ["nfs-srv-1"], None)
    assert found.client is None
    assert f"found {name!r}, expected an IP address or a host name" in found.reason


def test_a_display_name_of_two_lines_is_one_comment() -> None:
    """OCI takes any text for the name of a VNIC or a subnet."""
    site = adopted(server(vnics=(vnic(name="a\nactive_server = 1", subnet="x\r\ny"),)), host(), {})
    wanted = values.merged({}, site, None)
    assert hcl_reader.read(texts.variables(wanted, site)) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('servers = "x"', "found servers = 'x', expected a map"),
        (
            'servers = { nfs-srv-1 = "ocid1.instance.oc1..a" }',
            "found servers.nfs-srv-1 = 'ocid1.instance.oc1..a'",
        ),
        (
            'volumes = { bv1 = "ocid1.volume.oc1..a" }',
            "found volumes.bv1 = 'ocid1.volume.oc1..a', expected a map",
        ),
        ('volumes = ["bv1"]', "found volumes = ['bv1'], expected a map"),
        ('storage = "vg1"', "found storage = 'vg1', expected a map"),
        (
            'storage = { volume_groups = { vg1 = ["bv1"] } }',
            "found storage.volume_groups.vg1 = ['bv1'], expected",
        ),
        (
            'storage = { filesystems = { a = "/mnt/a" } }',
            "found storage.filesystems.a = '/mnt/a', expected a map",
        ),
    ],
)
def test_variables_of_another_shape_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "site.auto.tfvars").write_text(text + "\n")
    with pytest.raises(Usage) as raised:
        adopt._existing(tmp_path)
    assert f"site.auto.tfvars: {words}" in raised.value.reason
