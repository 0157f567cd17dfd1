"""The model itself: the hooks' own parsers read what its commands print, and they refuse as real ones do."""

from pathlib import Path

import pytest

from hooks.contract.result import ABSENT, PRESENT
from hooks.host import mounts
from hooks.host.host import CommandFailed, OutOfTime
from hooks.layers import exports, iscsi, lvm
from tests.model.building import NEW, OLD, build
from tests.model.host.linux import LinuxHost
from tests.model.host.storage import Disk, Filesystem
from tests.model.host.tools import Unmodelled
from tests.model.layouts import ClientLayout, ExportLayout, FilesystemLayout, GroupLayout, SiteLayout
from tests.model.site import DOMAIN, Site
from tests.model.story import act, client_spec, move, server_spec, states

PLAIN = SiteLayout()
NESTED = SiteLayout(
    groups=(GroupLayout(filesystems=(FilesystemLayout(folders=("p",)),)),),
    exports=(ExportLayout(), ExportLayout("/mnt/a/p", fsid=2)),
    clients=(
        ClientLayout(
            mounts=(("/mnt/a/p", "/data/p"), ("/mnt/a", "/data")),
            fstab="nfs-srv-1:/mnt/a /data nfs defaults 0 0\nnfs-srv-1:/mnt/a/p /data/p nfs defaults 0 0\n",
        ),
    ),
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build(PLAIN, tmp_path)


@pytest.fixture
def old(site: Site) -> LinuxHost:
    return site.hosts[OLD]


@pytest.fixture
def client(site: Site) -> LinuxHost:
    return site.hosts["nfs-cli"]


def mounted_from(host: LinuxHost, mount: str) -> str:
    found = host.mounts.top(mount)
    return found.source if found else ""


def test_a_site_built_by_hand_serves_its_client(site: Site, client: LinuxHost) -> None:
    mounted = client.mounts.top("/mnt/nfs/a")
    assert mounted
    assert mounted.source == "nfs-srv-1:/mnt/a"
    assert site.answer(client, mounted) == ""


@pytest.mark.parametrize("event_activation", [False, True])
def test_a_plain_site_goes_round(tmp_path: Path, event_activation: bool) -> None:
    site = build(SiteLayout(event_activation=event_activation), tmp_path)
    old, new, client = site.hosts[OLD], site.hosts[NEW], site.hosts["nfs-cli"]
    spec = server_spec(site, PLAIN)
    assert states(act(old, "apply", spec)) == {PRESENT}
    assert states(act(old, "check", spec)) == {PRESENT}
    released = act(old, "release", spec)
    assert states(released) == {ABSENT}, released
    move(site, NEW)
    spec = server_spec(site, PLAIN)
    applied = act(new, "apply", spec)
    assert states(applied) == {PRESENT}, applied
    taken = act(client, "apply", client_spec(PLAIN, PLAIN.clients[0], NEW))
    assert states(taken) == {PRESENT}, taken
    assert not any(layer.changed for layer in act(new, "apply", spec))
    assert mounted_from(client, "/mnt/nfs/a") == "nfs-srv-2:/mnt/a"


def test_the_parsers_of_the_hooks_read_what_it_prints(old: LinuxHost) -> None:
    found = lvm.observe(old)
    assert [row["pv_name"] for row in found.physical] == ["/dev/sdb", "/dev/sdc"]
    assert [(row["lv_name"], row["lv_active"]) for row in found.logical] == [("lv01", "active")]
    now = iscsi.observe(old)
    assert [session.state for session in now.sessions] == ["LOGGED_IN", "LOGGED_IN"]
    assert {(item.iqn, item.portal) for item in now.sessions} == set(now.records)
    assert exports.parse(old.run("exportfs", "-s").out) == {("/mnt/a", "10.0.0.0/16")}
    table = mounts.parse(old.read("/proc/self/mountinfo") or "")
    assert ("/mnt/a", "xfs", "/dev/mapper/vg1-lv01") in [(m.mount, m.type, m.source) for m in table]


def test_a_volume_is_attached_to_one_host_at_a_time(site: Site) -> None:
    with pytest.raises(AssertionError, match="attached to nfs-srv-1"):
        site.storage.attach("vg1-1", NEW)


def test_a_detached_volume_fails_its_session_and_hides_its_physical_volume(
    site: Site, old: LinuxHost
) -> None:
    site.storage.detach("vg1-1")
    old.initiator.show()
    assert sorted(session.state for session in iscsi.observe(old).sessions) == ["FAILED", "LOGGED_IN"]
    rows = [(row["pv_name"], row["vg_missing_pv_count"]) for row in lvm.observe(old).physical]
    assert rows == [("[unknown]", "1"), ("/dev/sdc", "1")]


def test_two_hosts_with_one_active_volume_are_an_error(site: Site) -> None:
    move(site, NEW)  # without a release, and without power off
    with pytest.raises(AssertionError, match="is active on"):
        act(site.hosts[NEW], "apply", server_spec(site, PLAIN))


def test_a_command_that_it_does_not_know_is_an_error(old: LinuxHost) -> None:
    report = ["pvs", "-o", "pv_ba_start", "--reportformat", "json"]
    for argv in (["mkfs.xfs", "/dev/sdb"], report, ["exportfs", "-z"]):
        with pytest.raises(Unmodelled):
            old.run(*argv)


def test_a_package_that_is_not_installed_has_no_command(old: LinuxHost) -> None:
    old.uninstall("vgchange")
    with pytest.raises(CommandFailed, match="command not found"):
        old.run("vgchange", "-an", "vg1")


def test_mount_refuses_as_util_linux_does(old: LinuxHost) -> None:
    codes = {
        ("mount", "/nowhere"): 1,  # not in fstab
        ("mount", "/mnt/a"): 32,  # mounted already
        ("mount", "-t", "ext4", "/dev/vg1/lv01", "/srv"): 32,  # another type
        ("mount", "-t", "xfs", "/dev/nothing", "/srv"): 32,
        ("mount", "-t", "xfs", "UUID=1-2", "/srv"): 1,
        ("umount", "/srv"): 32,  # not mounted
        ("umount", "/mnt/a"): 32,  # nfsd has it
        ("vgchange", "-an", "vg1"): 5,  # mounted
    }
    assert {argv: old.run(*argv, tolerate=dict.fromkeys(range(1, 64), "")).code for argv in codes} == codes


def test_xfs_mounts_no_clone_of_a_mounted_filesystem(old: LinuxHost) -> None:
    original = next(block.content for block in old.devices.blocks.values() if block.logical)
    assert isinstance(original, Filesystem)
    old.add_local(Disk(Filesystem(uuid=original.uuid)))
    with pytest.raises(CommandFailed, match="wrong fs type"):
        old.run("mount", "-t", "xfs", "/dev/sdd", "/srv")
    assert "duplicate UUID" in old.run("dmesg").out


@pytest.mark.parametrize("written", ["nfs-cli", f"nfs-cli.{DOMAIN}", "NFS-CLI"])
def test_exportfs_keeps_a_host_by_its_full_name(tmp_path: Path, written: str) -> None:
    layout = SiteLayout(exports_files=(("exports", f"/mnt/a {written}(rw)\n"),))
    old = build(layout, tmp_path).hosts[OLD]
    assert set(old.nfsd.table) == {("/mnt/a", f"nfs-cli.{DOMAIN}")}
    old.run("exportfs", "-u", f"{written}:/mnt/a")
    assert not old.nfsd.table


def test_exportfs_keeps_a_network_as_it_was_written(tmp_path: Path) -> None:
    layout = SiteLayout(exports_files=(("exports", "/mnt/a/ 10.0.0.0/255.255.0.0(rw)\n"),))
    old = build(layout, tmp_path).hosts[OLD]
    assert set(old.nfsd.table) == {("/mnt/a", "10.0.0.0/255.255.0.0")}
    with pytest.raises(CommandFailed, match="Could not find"):
        old.run("exportfs", "-u", "10.0.0.0/16:/mnt/a")


def test_a_dead_server_hangs_what_looks_at_its_mount(site: Site, client: LinuxHost) -> None:
    site.hosts[OLD].power_off()
    for argv in (["stat", "-f", "-c", "%T", "/mnt/nfs/a"], ["umount", "/mnt/nfs/a"]):
        with pytest.raises(OutOfTime):
            client.run(*argv, seconds=5)
    began = client.now()
    client.run("systemctl", "daemon-reload", seconds=100)
    assert client.now() - began == 90
    client.run("umount", "-f", "-l", "/mnt/nfs/a", seconds=5)
    assert mounted_from(client, "/mnt/nfs/a") == ""


def test_the_walk_to_a_child_goes_through_its_dead_parent(tmp_path: Path) -> None:
    site = build(NESTED, tmp_path)
    client = site.hosts["nfs-cli"]
    site.hosts[OLD].power_off()
    with pytest.raises(OutOfTime):
        client.run("umount", "-f", "-l", "/data/p", seconds=5)
    client.run("umount", "-f", "-l", "/data", seconds=5)
    assert not [item for item in client.mounts.table if item.type.startswith("nfs")]


def test_a_parent_mounted_over_its_child_hides_it(tmp_path: Path) -> None:
    client = build(NESTED, tmp_path).hosts["nfs-cli"]
    client.run("umount", "-l", "/data")
    Path(client.path("/data/p")).mkdir()
    client.run("mount", "/data/p")
    client.run("mount", "/data")
    shown = [item.mount for item in mounts.parse(client.read("/proc/self/mountinfo") or "")][-2:]
    assert shown == ["/data/p", "/data"]
    assert client.mounts.walk("/data/p").mount == "/data"
    with pytest.raises(CommandFailed, match="not mounted"):
        client.run("umount", "/data/p")


def test_a_boot_waits_for_a_device_that_is_gone(site: Site, old: LinuxHost) -> None:
    old.power_off()
    move(site, NEW)
    assert old.boot() == ["mount: /mnt/a: special device /dev/vg1/lv01 does not exist."]
    old.power_off()
    old.write("/etc/fstab", (old.read("/etc/fstab") or "").replace("xfs defaults", "xfs nofail"))
    assert old.boot() == []
