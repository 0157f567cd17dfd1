"""Sites as they are, on a real guest: released, taken over or named beforehand, by what the kernel has.

One server plays both parts: it is released, its own files are those of another site, and it takes over again.
Every test ends as it began, with a released server and the storage as it was.
"""

from __future__ import annotations

import time

import pytest

from failover.model.host.hook_report import HookReport
from lab.site.lab import Lab
from tests.drill.host_under_test import HostUnderTest

pytestmark = pytest.mark.guests

OFF = "#nfs-failover off: "
AS_OWNER = "--config 'local/extra_system_ids=[\"old-cluster\"]'"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("site-shapes") / "lab", print)
    try:
        lab.up()
        yield HostUnderTest.of(lab)
    finally:
        lab.down()


@pytest.fixture
def server(founded):
    """The released server, with the files it had before the test."""
    founded.sh("mkdir -p /run/kept && cp -a /etc/fstab /etc/exports /etc/hosts /run/kept/")
    yield founded
    released = founded.hooks("release")
    assert released.ok, released.complaint
    founded.sh("cp -a /run/kept/* /etc/ && systemctl daemon-reload")
    assert founded.hooks("check").released


def takes_over(server: HostUnderTest, *told: str) -> HookReport:
    answer = server.hooks("apply")
    assert answer.ok, answer.complaint
    for text in told:
        assert text in answer.message
    assert server.hooks("check").present
    assert "This is a test file." in server.sh("cat /mnt/a/test.txt")
    return answer


def releases(server: HostUnderTest) -> None:
    answer = server.hooks("release")
    assert answer.ok, answer.complaint
    assert server.hooks("check").released


def refusals(server: HostUnderTest) -> str:
    """What the survey refuses on this host now, in one line."""
    layers = server.hooks("survey").layers
    return "; ".join(text for layer in layers for text in layer.facts["refusals"])


def test_lines_by_uuid_and_label_go_and_the_options_stay(server):
    """The released server neither mounts it by itself nor waits for it; the way back keeps the options."""
    takes_over(server)
    uuid = server.sh("blkid -p -o value -s UUID /dev/vg1/lv01")
    server.sh(
        "sed -i '/vg1-lv01\\|vg1.lv01/d' /etc/fstab;"
        f"printf 'UUID={uuid.upper()} /mnt/a/ xfs defaults,noatime 0 2\\n' >> /etc/fstab;"
        "printf '/mnt/a/inner /srv/inner none bind 0 0\\n' >> /etc/fstab;"
        "mkdir -p /mnt/a/inner /srv/inner; systemctl daemon-reload; mount /srv/inner"
    )
    assert "noatime" in " ".join(
        text for layer in server.hooks("survey").layers for text in layer.facts["warnings"]
    )
    releases(server)
    server.sh("mount -a")
    assert server.sh("findmnt -n /mnt/a; findmnt -n /srv/inner; true") == ""
    assert server.sh("systemctl list-units -t mount --no-legend mnt-a.mount srv-inner.mount") == ""
    assert refusals(server) == ""
    takes_over(server, "/mnt/a entered in fstab")
    assert "noatime" in server.sh("findmnt -n -o OPTIONS /mnt/a")
    # systemd would wait for the UUID in capitals for ever, and unmount it
    line = server.sh("grep '^/dev/vg1/lv01 /mnt/a ' /etc/fstab")
    assert line == "/dev/vg1/lv01 /mnt/a xfs defaults,noatime,_netdev,nofail 0 0"
    assert server.sh("findmnt -n -o TARGET /srv/inner") == "/srv/inner"
    server.sh("umount /srv/inner; rmdir /mnt/a/inner")


@pytest.mark.nightly
def test_an_export_to_a_short_name_is_served_and_leaves_no_table(server):
    """exportfs keeps the full name; other networks, and a folder, go with it and come back with it."""
    server.sh("sed -i '1i 10.0.0.21 shorty.lab shorty' /etc/hosts")
    one = {**server.spec()["exports"][0], "clients": ["shorty"]}
    spec = server.spec(exports=[one])
    answer = server.hooks("apply", spec)
    assert answer.ok, answer.complaint
    assert "shorty.lab" in server.sh("exportfs -s")
    site = "/mnt/a/ 10.9.0.0/255.255.0.0(ro,no_root_squash,no_subtree_check) *.lab(ro)\n/srv *(ro)\n"
    server.sh(f"printf '{site}' > /etc/exports; exportfs -ra")
    warned = " ".join(
        text for layer in server.hooks("survey", spec).layers for text in layer.facts["warnings"]
    )
    assert "10.9.0.0/255.255.0.0" in warned
    assert "/srv is exported to *" in warned
    released = server.hooks("release", spec)
    assert released.ok, released.complaint
    for look in ("exportfs -s", "exportfs -ra; exportfs -s", "cat /proc/net/rpc/nfsd.export/content"):
        assert "/mnt/a" not in server.sh(look)
    assert "/srv" in server.sh("exportfs -s")
    assert server.sh("systemctl is-active nfs-server") == "active"
    assert server.sh("cat /etc/exports").startswith(OFF + "/mnt/a/ 10.9.0.0/255.255.0.0")
    answer = server.hooks("apply", spec)
    assert answer.ok, answer.complaint
    assert "10.9.0.0/255.255.0.0(" in server.sh("exportfs -s")
    server.sh("printf '' > /etc/exports; exportfs -ra")
    assert server.hooks("release", spec).ok


def test_a_group_of_another_system_id_is_taken_over(server):
    """Before: nobody but its owner may touch it. After: this host's own, and the data is what it was."""
    below = server.spec(volume_groups=[], filesystems=[], exports=[])
    assert server.hooks("apply", below).ok
    server.sh(f"udevadm settle; vgchange -q -an vg1; vgchange -q --yes --systemid old-cluster {AS_OWNER} vg1")
    assert server.sh("vgchange -ay vg1 2>&1; true").count("system ID") > 0
    assert server.active() == ""
    assert refusals(server) == ""
    takes_over(server, "vg1 taken over from system ID 'old-cluster'")
    assert server.sh("vgs --noheadings -o vg_systemid vg1").strip() == ""


@pytest.mark.nightly
def test_an_exported_group_is_named_with_its_command(server):
    below = server.spec(volume_groups=[], filesystems=[], exports=[])
    assert server.hooks("apply", below).ok
    server.sh("udevadm settle; vgchange -q -an vg1; vgexport -q vg1")
    try:
        assert "vgimport vg1" in refusals(server)
        assert "vgimport vg1" in server.hooks("apply").complaint
    finally:
        server.sh("vgimport -q vg1")
    takes_over(server)


@pytest.mark.nightly
def test_a_mount_that_the_kernel_refuses_ends_with_its_reason(server):
    """A clone with the same XFS UUID is mounted: found beforehand, and named by the kernel afterwards."""
    takes_over(server)
    uuid = server.sh("blkid -p -o value -s UUID /dev/vg1/lv01")
    server.sh(
        "umount /mnt/a 2>/dev/null || { exportfs -ua; systemctl stop nfs-server; umount /mnt/a; };"
        "modprobe loop; truncate -s 320M /var/tmp/clone; losetup /dev/loop0 /var/tmp/clone;"
        f"mkfs.xfs -q -m uuid={uuid} /dev/loop0; mkdir -p /srv/clone; mount /dev/loop0 /srv/clone"
    )
    try:
        filesystems = [{**server.spec()["filesystems"][0], "uuid": uuid}]
        answer = server.hooks("apply", server.spec(filesystems=filesystems))
        assert not answer.ok
        assert "the kernel: XFS (dm-0): Filesystem has duplicate UUID" in answer.complaint
        server.hooks("release")
        server.sh("udevadm trigger --settle /dev/loop0")
        told = [
            text
            for layer in server.hooks("survey", server.spec(filesystems=filesystems)).layers
            for text in layer.facts["refusals"]
        ]
        assert [text for text in told if f"has its UUID {uuid} too and is mounted here" in text], told
    finally:
        server.sh("umount /srv/clone; losetup -d /dev/loop0; rm /var/tmp/clone; udevadm settle")


@pytest.mark.nightly
def test_settings_of_the_root_disk_move_with_the_data(server):
    """A new root disk gets the threads, the versions and a named file, and the result says what changed."""
    named = "/etc/sysctl.d/90-nfs.conf"
    spec = server.spec(settings={"files": [named]})
    server.sh(
        "mkdir -p /etc/nfs.conf.d; printf '[nfsd]\\nthreads=12\\nvers3=n\\n' > /etc/nfs.conf.d/site.conf;"
        f"echo 1:/mnt/a/x > /etc/projects; echo vm.dirty_ratio=17 > {named}"
    )
    assert server.hooks("apply", spec).ok
    (kept,) = [layer for layer in server.hooks("refresh", spec).layers if layer.layer == "settings"]
    assert (kept.state, "/etc/nfs.conf.d/site.conf" in kept.message) == ("present", True), kept.message
    server.sh("echo 1:/mnt/a/y > /etc/projects")  # a release takes along what was changed last
    assert server.sh("stat -c '%a %u' /mnt/a/.nfs-failover/settings") == "700 0"
    assert server.hooks("release", spec).ok
    assert server.hooks("check", spec).released
    server.sh(
        f"rm -r /var/lib/nfs-failover {named} /etc/nfs.conf.d/site.conf; echo 9:/mnt/b > /etc/projects;"
        "sysctl -q vm.dirty_ratio=20"
    )
    answer = server.hooks("apply", spec)
    assert answer.ok, answer.complaint
    assert "-9:/mnt/b | +1:/mnt/a/y" in answer.message
    assert server.sh("cat /proc/fs/nfsd/threads /proc/sys/vm/dirty_ratio") == "12\n17"
    assert "-3" in server.sh("cat /proc/fs/nfsd/versions")
    (looked,) = [layer for layer in server.hooks("probe", spec).layers if layer.layer == "settings"]
    assert looked.state == "present", looked.message
    assert server.hooks("apply", spec).result.message == "nothing to do: already so"
    server.sh("echo 5 > /proc/fs/nfsd/threads")
    assert "nfsd's threads: found 5, expected 12" in server.hooks("probe", spec).complaint
    server.sh(f"rm -r /etc/nfs.conf.d/site.conf /etc/projects {named} /mnt/a/.nfs-failover")


SLOW = (
    "import fcntl, json, os, time; f = open('/run/nfs-failover.lock', 'a+'); fcntl.flock(f, fcntl.LOCK_EX);"
    "f.truncate(0); n = time.monotonic(); step = 'runs `mount /mnt/a`';"
    "f.write(json.dumps(['the boot service', os.getpid(), n, step, n])); f.flush(); time.sleep(%d)"
)


@pytest.mark.nightly
def test_a_slow_taker_is_waited_for_and_its_work_counts(server):
    server.runs("taker", "python3", "-c", SLOW % 12)
    server.sh("until [ -s /run/nfs-failover.lock ]; do sleep 0.1; done")
    seconds, answer = server.seconds("apply")
    assert answer.ok, answer.complaint
    assert seconds > 5
    server.runs("holder", "python3", "-c", SLOW % 999)
    try:
        time.sleep(3)
        late = server.hooks("apply", server.spec(deadline_seconds=4))
        assert not late.ok
        assert late.result.facts["busy"] is True
        assert "the boot service (process" in late.result.message
        assert "which runs `mount /mnt/a` since" in late.result.message
        assert "holds the lock" in late.result.message
        assert "wait, then run the same command again" in late.result.message
    finally:
        server.ends("holder")
    assert server.hooks("apply").result.message == "nothing to do: already so"


PARTITIONED = (
    "import struct, sys; entry = struct.pack('<BBBBBBBBII', 0, 0, 2, 0, 0x8e, 0, 2, 0, 2048, 4096000);"
    "open(sys.argv[1], 'r+b').write(bytes(446) + entry + bytes(48) + b'\\x55\\xaa')"
)


@pytest.mark.nightly
def test_physical_volumes_on_partitions_are_the_volumes(server):
    """The last test: it makes the group anew, as one that a partitioning tutorial left behind."""
    below = server.spec(volume_groups=[], filesystems=[], exports=[])
    assert server.hooks("apply", below).ok
    disks = [
        f"/dev/disk/by-path/ip-{portal}-iscsi-{iqn}-lun-1"
        for iqn, portal in map(server.portal, ("bv1", "bv2"))
    ]
    parts = " ".join(f"{disk}-part1" for disk in disks)
    server.sh("udevadm settle; vgchange -q -an vg1; vgremove -q -f vg1; pvremove -q " + " ".join(disks))
    for disk in disks:
        server.sh(f'python3 -c "{PARTITIONED}" {disk}; blockdev --rereadpt {disk}')
    server.sh(
        f"udevadm settle; pvcreate -q -ff -y {parts} && vgcreate -q vg1 {parts}"
        " && lvcreate -q -y -n lv01 -L 400M vg1"
        " && mkfs.xfs -q -f /dev/vg1/lv01 && mkdir -p /mnt/a && mount /dev/vg1/lv01 /mnt/a"
        " && echo This is a test file. > /mnt/a/test.txt && umount /mnt/a"
    )
    assert refusals(server) == ""
    releases(server)
    takes_over(server)  # LVM's own event activation may have been quicker: the mount is what counts
    assert server.sh("pvs --noheadings -o pv_name -S vg_name=vg1").split()[0].endswith("1")
    assert refusals(server) == ""
