"""The faults of a host, on a real guest: what the hooks answer, what they leave alone, and the way on.

Every test starts and ends with a released server and goes the same way: make the fault; the hooks' answer
names it and says what to do; nothing is half done; mend it; the same command comes to its end, and volume
group and filesystem are, to their metadata's version, the ones that were there before.

A filter that drops packets is the kernel's traffic control, where it is not firewalld itself: what a client
or an initiator sees of it is the same.
"""

from __future__ import annotations

import time

import pytest

from lab.site.lab import Lab
from tests.drill.host_under_test import HostUnderTest

pytestmark = pytest.mark.guests

STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); f = open('/mnt/a/held', 'w'); time.sleep(999)"
)
PYTHON = "python3 -c"
LISTENER = "import socket, time; s = socket.create_server(('', 2049)); time.sleep(999)"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("host-faults") / "lab", print)
    try:
        lab.up()
        yield HostUnderTest.of(lab)
    finally:
        lab.down()


@pytest.fixture(scope="module")
def untouched(founded):
    """What the storage has to look like after every test."""
    assert founded.hooks("apply").ok
    found = founded.storage()
    assert "This is a test file." in found
    assert founded.hooks("release").ok
    return found


@pytest.fixture
def server(founded, untouched):
    """The released server; afterwards it must be one again, by its hooks and by what they leave behind."""
    yield founded
    released = founded.hooks("release")
    assert released.ok, released.complaint
    assert founded.hooks("check").released
    assert founded.sh("iscsiadm -m session 2>&1; iscsiadm -m node 2>&1; true").count("No ") == 2
    assert founded.active() == ""


def fails(server: HostUnderTest, action: str, layer: str, state: str, *says: str, spec=None) -> None:
    """The action stops at this layer with these words, and touches no layer beyond it."""
    answer = server.hooks(action, spec)
    assert not answer.ok
    assert (answer.layers[-1].layer, answer.layers[-1].state) == (layer, state), answer.summary
    for text in says:
        assert text in answer.layers[-1].message


def serves(server: HostUnderTest, untouched: str, *told: str) -> None:
    """The same command goes on to its end, and the storage is what it was."""
    answer = server.hooks("apply")
    assert answer.ok, answer.complaint
    for text in told:
        assert text in answer.message
    assert server.hooks("check").present
    assert server.storage() == untouched


def test_a_volume_that_is_not_attached_and_comes_back_at_another_portal(server, untouched):
    files, before, (iqn, old) = server.files(), server.spec(), server.portal("bv2")
    server.detach("bv2")
    try:
        says = ("ended with 19", iqn, "see that bv2 is attached to this host")
        fails(server, "apply", "iscsi", "broken", *says, spec=before)
        assert server.active() == ""
        assert server.files() == files
        released = server.hooks("release", before)
        assert released.ok, released.complaint
        fails(server, "apply", "iscsi", "broken", spec=before)
    finally:
        server.attach("bv2")
    assert server.portal("bv2")[1] != old
    serves(server, untouched, f"stale record of bv2 at {old} deleted")


@pytest.mark.nightly
def test_a_physical_volume_that_lvm_does_not_see(server, untouched):
    files, (_, portal) = server.files(), server.portal("bv2")
    # udev makes the link after its rules had LVM look at the disk: that event would see the group complete
    by_hooks_alone = "activation { auto_activation_volume_list = [] }"
    hidden = f'devices {{ global_filter = [ "r|by-path/ip-{portal}|" ] }}'
    with server.lvm_configured(f"{by_hooks_alone}\n{hidden}"):
        fails(
            server, "apply", "lvm", "broken", "vg1: 1 of its 2 physical volumes are missing", "LVM's filter"
        )
        assert server.active() == ""
        assert server.files() == files
    serves(server, untouched)


def test_a_volume_group_of_the_same_name_on_the_new_server(server, untouched):
    server.sh(
        "modprobe loop && truncate -s 64M /var/tmp/local && losetup /dev/loop0 /var/tmp/local && "
        "vgcreate -q vg1 /dev/loop0 && lvcreate -q -y -n lv01 -L 20M vg1"
    )
    try:
        local = server.sh("vgs --noheadings -o vg_uuid vg1").strip()
        fails(server, "apply", "lvm", "broken", "vg1: found 2 volume groups", f"vgrename {local} NEW")
        assert "(loop0)" in server.sh("dmsetup deps -o devname vg1-lv01")
        assert server.active().count("vg1-") == 1
        fails(server, "release", "lvm", "broken", "several volume groups have this name", "by hand")
        server.sh(f"vgrename -q {local} other")
        serves(server, untouched)
    finally:
        server.sh("vgchange -q -an other; losetup -d /dev/loop0; rm /var/tmp/local")


@pytest.mark.nightly
def test_a_stale_devices_file_gets_the_volumes_listed(server, untouched):
    server.sh(
        "mkdir -p /etc/lvm/devices && printf 'VERSION=1.1.1\\nIDTYPE=sys_wwid IDNAME=t10.gone "
        "DEVNAME=/dev/sdx PVID=none\\n' > /etc/lvm/devices/system.devices"
    )
    try:
        with server.lvm_configured("devices { use_devicesfile = 1 }"):
            assert server.hooks("apply", server.spec(volume_groups=[], filesystems=[], exports=[])).ok
            assert "lvm: vg1 is not found" in server.hooks("check").result.message
            serves(server, untouched, "listed in /etc/lvm/devices/system.devices")
        assert server.sh("grep -c IDNAME=naa /etc/lvm/devices/system.devices") == "2"
        assert "IDNAME=t10.gone" in server.sh("cat /etc/lvm/devices/system.devices")
    finally:
        server.sh("rm -r /etc/lvm/devices")


def test_an_xfs_that_shut_down_is_told_and_its_log_recovered(server, untouched):
    assert server.hooks("apply").ok
    server.sh("echo written > /mnt/a/late && sync -f /mnt/a/late && xfs_io -x -c shutdown /mnt/a")
    told = server.hooks("check")
    states = {layer.layer: layer.state for layer in told.layers}
    assert states == {**dict.fromkeys(states, "present"), "filesystem": "broken"}
    assert "/mnt/a: mounted read-only or shut down after I/O errors" in told.complaint
    fails(server, "apply", "filesystem", "broken", "release, then apply")
    released = server.hooks("release")
    assert released.ok, released.complaint
    server.sh("dmesg -C")
    serves(server, untouched)
    assert "Ending recovery" in server.sh("dmesg")
    assert server.sh("cat /mnt/a/late; rm /mnt/a/late") == "written"


@pytest.mark.nightly
def test_processes_that_hold_the_filesystem_are_ended(server, untouched):
    serves(server, untouched)
    server.runs("walker", "sleep", "999", folder="/mnt/a")
    server.runs("stubborn", "python3", "-c", STUBBORN)
    server.sh("until [ -e /mnt/a/held ]; do sleep 0.1; done")
    seconds, released = server.seconds("release")
    assert released.ok, released.complaint
    assert seconds > 10, "nobody waited for the one that heeds TERM"
    assert server.sh("systemctl is-active walker stubborn; true").split() == ["inactive", "failed"]
    server.ends("stubborn")
    serves(server, untouched)
    server.sh("rm /mnt/a/held")


@pytest.mark.nightly
def test_a_mount_inside_is_named_and_nobody_is_ended(server, untouched):
    serves(server, untouched)
    server.runs("walker", "sleep", "999", folder="/mnt/a")
    server.sh("mkdir /mnt/a/inside && mount -t tmpfs none /mnt/a/inside")
    fails(
        server, "release", "filesystem", "broken", "found mounted below it: /mnt/a/inside; unmount that first"
    )
    assert server.sh("systemctl is-active walker; true") == "active"
    assert server.active() != ""
    server.sh("umount /mnt/a/inside && rmdir /mnt/a/inside")


@pytest.mark.nightly
def test_port_2049_taken(server, untouched):
    server.runs("listener", "python3", "-c", LISTENER)
    server.sh("until ss -Hltn 'sport = :2049' | grep -q .; do sleep 0.1; done")
    fails(server, "apply", "nfs", "broken", "port 2049: found LISTEN", '(("python3",pid=', "stop it first")
    assert server.sh("ls /etc/exports.d; systemctl is-active nfs-server; true") == "inactive"
    assert "nfs-failover.exports" not in server.files()
    server.ends("listener")
    serves(server, untouched)


@pytest.mark.nightly
def test_a_firewalld_that_lets_no_nfs_in(server, untouched):
    server.sh("systemctl start firewalld")
    try:
        told = "firewalld lets no NFS in"
        serves(server, untouched, told, "firewall-cmd --zone=public --add-service=nfs")
        assert "port 2049 is not reachable" in server.client_hooks("apply").layers[0].message
        server.sh("firewall-cmd -q --zone=public --add-service=nfs")
        assert told not in server.hooks("check").message
        assert server.client_hooks("apply").ok
        server.client("umount /mnt/nfs/a")
    finally:
        server.sh("systemctl stop firewalld")


@pytest.mark.nightly
def test_selinux_s_label_of_an_edited_file_is_kept(server, untouched):
    label = "system_u:object_r:etc_t:s0"
    server.sh(f"{PYTHON} \"import os; os.setxattr('/etc/fstab', 'security.selinux', b'{label}')\"")
    files = server.files()
    serves(server, untouched)
    assert server.files() != files, "nothing was edited: nothing was tested"
    kept = f"{PYTHON} \"import os; print(os.getxattr('/etc/fstab', 'security.selinux').decode())\""
    assert server.sh(kept) == label


@pytest.mark.nightly
def test_iscsid_stopped_and_masked(server, untouched):
    serves(server, untouched)
    stop = "systemctl stop iscsid.socket iscsid.service"
    server.sh(stop)
    sessions = server.sh("iscsiadm -m session")
    assert "iscsid does not run" in server.hooks("check").complaint
    serves(server, untouched, "iscsid started")
    assert server.sh("iscsiadm -m session") == sessions
    server.sh(f"{stop}; systemctl mask -q iscsid.service")
    try:
        fails(server, "release", "iscsi", "broken", "masked", "systemctl unmask iscsid")
        assert server.sh("iscsiadm -m session") == sessions
        fails(server, "apply", "iscsi", "broken", "systemctl unmask iscsid")
        assert server.active() == ""
    finally:
        server.sh("systemctl unmask -q iscsid.service")


@pytest.mark.nightly
def test_a_portal_that_is_silent_is_unknown(server, untouched):
    files, (_, portal) = server.files(), server.portal("bv1")
    address, _, port = portal.partition(":")
    with server.dropping(f"match ip src {address}/32"):
        fails(server, "apply", "iscsi", "unknown", f"bv1: {address} port {port} is not reachable: timed out")
        assert server.active() == ""
        assert server.files() == files
    serves(server, untouched)


@pytest.mark.nightly
def test_a_record_of_an_earlier_attachment(server, untouched):
    iqn, _ = server.portal("bv1")
    old = "169.254.2.250:3260"
    serves(server, untouched)
    server.sh(f"iscsiadm -m node -o new -T {iqn} -p {old}")
    assert f"found a session or record at {old}" in server.hooks("check").complaint
    serves(server, untouched, f"stale record of bv1 at {old} deleted")
    assert old not in server.sh("iscsiadm -m node")


def test_a_full_disk_leaves_fstab_and_exports_whole(server, untouched):
    files = server.files()
    below = server.spec(filesystems=[], exports=[])
    assert server.hooks("apply", below).ok
    server.fill_disk()
    try:
        fails(server, "apply", "filesystem", "broken", "/etc/fstab: not written", "No space left on device")
        assert server.files() == files
        server.free_disk()
        assert server.hooks("apply", server.spec(exports=[])).ok
        files = server.files()
        server.fill_disk()
        fails(server, "apply", "nfs", "broken", "/etc/exports.d/nfs-failover.exports: not written")
        assert server.files() == files
    finally:
        server.free_disk()
    serves(server, untouched)


@pytest.mark.nightly
def test_a_full_disk_before_anything_was_done(server, untouched):
    files = server.files()
    server.fill_disk()
    try:
        fails(server, "apply", "iscsi", "broken", "/etc/iscsi/nodes", "No space left on device")
        assert server.files() == files
    finally:
        server.free_disk()
    serves(server, untouched)


@pytest.mark.nightly
def test_a_port_that_clients_cannot_reach(server, untouched):
    serves(server, untouched)
    table = server.client("cat /etc/fstab")
    with server.dropping("match ip dport 2049 0xffff"):
        answer = server.client_hooks("apply")
        assert answer.layers[0].state == "unknown"
        assert "nfs-srv-1 port 2049 is not reachable: timed out" in answer.layers[0].message
        assert "server's firewall" in answer.layers[0].message
        assert server.client("cat /etc/fstab; findmnt /mnt/nfs/a; true") == table
    assert server.client_hooks("apply").ok
    with server.dropping("match ip dport 2049 0xffff"):
        told = server.client_hooks("check")
        assert "nfs-srv-1 does not answer: port 2049: timed out" in told.complaint
    end = time.monotonic() + 60  # TCP and NFS take their time to try again
    while not server.client_hooks("check").present:
        assert time.monotonic() < end
    server.client("umount /mnt/nfs/a")
