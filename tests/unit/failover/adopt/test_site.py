"""What lies on a server's volumes, told by identity; and each thing that is refused, by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from failover.adopt.host_view import DeviceLine, DeviceMount, Disk, Exported, HostView, PhysicalVolume
from failover.adopt.site import AdoptedSite, adopted
from failover.cloud.server_reads import DataVolume
from failover.model.outcome import Refused
from tests.unit.failover.adopt.a_server import (
    INSTANCE_ID,
    OTHER_UUID,
    UUID,
    block,
    host,
    segment,
    server,
    volume,
    with_blocks,
)

STRANGER = "ocid1.instance.oc1.ap-tokyo-1.bbbb"


def site(seen: HostView | None = None, *volumes: DataVolume, **instance: Any) -> AdoptedSite:
    return adopted(server(*volumes, instance=instance), seen or host(), {})


def test_an_fstab_line_by_label_is_the_filesystem_that_it_leads_to() -> None:
    found = site().storage
    assert found.groups == {"vg1": ("bv1", "bv2")}
    (item,) = found.filesystems.values()
    assert (item.group, item.logical, item.mount, item.type, item.uuid) == (
        "vg1",
        "lv01",
        "/mnt/a",
        "xfs",
        UUID,
    )
    assert item.options == "defaults,noatime,_netdev,nofail"
    assert "/mnt/a: nofail comes to its options: a server without its volumes must boot" in found.notes
    (export,) = found.exports
    assert (export.path, export.clients, export.options) == (
        "/mnt/a",
        ("10.0.0.0/16",),
        "rw,sync,no_root_squash",
    )
    assert export.fsid is None  # the kernel's handles go by the filesystem's UUID, which moves with it


def test_physical_volumes_on_partitions_are_the_volumes() -> None:
    parts = [block(f"/dev/sd{c}1", "LVM2_member", f"/dev/sd{c}", kind="part") for c in "bc"]
    disks = [block("/dev/sdb", ""), block("/dev/sdc", "")]
    lv = block("/dev/dm-0", "xfs", "/dev/sdb1", "/dev/sdc1", kind="lvm", uuid=UUID)
    physical = tuple(PhysicalVolume(f"/dev/sd{c}1", "vg1", "u", False) for c in "bc")
    assert site(host(blocks=with_blocks(*parts, *disks, lv), physical=physical)).storage.groups == {
        "vg1": ("bv1", "bv2")
    }


def test_the_root_disks_own_group_is_nobodys_business() -> None:
    own = PhysicalVolume("/dev/sda3", "ocivolume", "u2", False)
    found = site(host(physical=(*host().physical, own))).storage
    assert set(found.groups) == {"vg1"}


def test_a_filesystem_straight_on_a_volume_is_that_volumes() -> None:
    seen = host(
        physical=(),
        segments=(),
        blocks=with_blocks(block("/dev/sdb", "xfs", uuid=UUID), block("/dev/sdc", "")),
        fstab=(DeviceLine("UUID=" + UUID, "/mnt/a", "xfs", "defaults,_netdev,nofail", "/dev/sdb"),),
        mounts=(DeviceMount("/mnt/a", "xfs", "rw", "/", "/dev/sdb"),),
    )
    seen = replace(seen, blocks={k: v for k, v in seen.blocks.items() if k != "/dev/dm-0"})
    found = site(seen).storage
    (item,) = found.filesystems.values()
    assert (item.volume, item.group, item.uuid) == ("bv1", "", UUID)
    assert not found.refusals
    assert "bv2: nothing is on it; it moves along" in found.notes


def test_exports_of_several_clients_with_options_of_their_own_stay_apart() -> None:
    table = (
        Exported("/mnt/a", "10.0.0.0/255.255.0.0", ("sync", "rw")),
        Exported("/mnt/a", "10.1.0.0/16", ("rw", "sync")),
        Exported("/mnt/a", "<world>", ("sync", "ro", "fsid=0")),
        Exported("/mnt/a/sub", "10.0.0.21", ("rw", "sync", "sec=sys", "mountpoint")),
        Exported("/srv", "*", ("ro",)),
    )
    found = site(host(table=table)).storage
    assert [(e.path, e.clients, e.options, e.fsid) for e in found.exports] == [
        ("/mnt/a", ("*",), "ro,sync", 0),
        ("/mnt/a", ("10.0.0.0/16", "10.1.0.0/16"), "rw,sync", None),
        ("/mnt/a/sub", ("10.0.0.21",), "rw,sync", None),
    ]
    assert any(note.startswith("/srv is exported to * from the server's own disk") for note in found.notes)


def test_the_root_of_nfsv4_above_exports_of_their_own_stays_behind() -> None:
    table = (Exported("/", "*", ("ro", "fsid=0", "crossmnt")), Exported("/mnt/a/b", "10.0.0.0/16", ("rw",)))
    found = site(host(table=table)).storage
    assert [e.path for e in found.exports] == ["/mnt/a/b"]
    assert any(note.startswith("/ is exported to * from the server's own disk") for note in found.notes)


@pytest.mark.parametrize("table", [(), (Exported("/srv", "*", ("ro",)),), (Exported("/mnt", "*", ("ro",)),)])
def test_a_server_that_exports_nothing_of_its_data_says_so(table: tuple[Exported, ...]) -> None:
    found = site(host(table=table)).storage
    assert "nothing of the data is exported: the service of the next server would have none" in found.notes


@pytest.mark.parametrize("source", ["/mnt/a/home", "/mnt//a/./home/", "/mnt/a"])
def test_a_bind_mount_out_of_the_data_is_said_however_it_is_spelled(source: str) -> None:
    bind = DeviceLine(source, "/home", "none", "rbind", "")
    notes = site(host(fstab=(*host().fstab, bind))).storage.notes
    assert any(
        note.startswith("/home: a bind mount out of /mnt/a in this server's own fstab") for note in notes
    )


def test_a_stopped_nfsd_leaves_the_files() -> None:
    found = site(host(table=(), files=(Exported("/mnt/a", "10.0.0.0/16", ("rw",)),))).storage
    assert found.exports[0].clients == ("10.0.0.0/16",)
    assert "nothing is exported now: the exports are those of the files of exports" in found.notes


REFUSED_VOLUMES = [
    ({"kind": "paravirtualized"}, "found a paravirtualized attachment, expected iSCSI"),
    ({"multipath": True}, "found a multipath attachment"),
    ({"chap": True}, "found an attachment with CHAP, expected none"),
    ({"read_only": True}, "found a read-only attachment, expected read/write"),
    ({"shareable": True, "holders": (INSTANCE_ID, STRANGER)}, f"found it attached to {STRANGER} as well"),
    ({"shareable": True}, "found a shareable attachment, expected one that is not"),
    ({"state": "FAULTY"}, "it is FAULTY, expected AVAILABLE"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED_VOLUMES)
def test_an_attachment_that_cannot_move_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as raised:
        site(None, volume(1, **changes), volume(2))
    assert f"volume bv1 ({volume(1).volume_id}): {words}" in raised.value.reason
    assert "bv2" not in raised.value.reason
    assert "nothing was written" in raised.value.remedy


REFUSED_HOSTS = [
    *(
        (
            host(segments=(segment(kind),)),
            f"logical volume vg1/lv01: found type {kind}, expected linear or striped",
        )
        for kind in (
            "thin",
            "thin-pool",
            "cache",
            "raid1",
            "raid5",
            "mirror",
            "writecache",
            "vdo",
            "snapshot",
        )
    ),
    (
        host(physical=(*host().physical, PhysicalVolume("/dev/sda3", "vg1", "uuid-of-vg1", False))),
        "volume group vg1: it lies on /dev/sda3 too",
    ),
    (
        host(physical=(*host().physical, PhysicalVolume("[unknown]", "vg1", "uuid-of-vg1", True))),
        "volume group vg1: 1 of its 3 physical volumes are missing",
    ),
    (
        host(physical=(*host().physical, PhysicalVolume("/dev/sda3", "vg1", "another", False))),
        "volume group vg1: found two of this name",
    ),
    (
        host(blocks=with_blocks(block("/dev/sdd", "xfs", uuid=UUID))),
        f"/mnt/a: found its UUID {UUID} on /dev/dm-0 and /dev/sdd, expected one",
    ),
    (
        host(
            blocks=with_blocks(
                block("/dev/sdb", "LVM2_member", uuid="pv1"),
                block("/dev/sdc", "LVM2_member", uuid="pv1"),
            )
        ),
        "bv1 (/dev/sdb) and bv2 (/dev/sdc): found one physical volume of LVM on both",
    ),
    (
        host(blocks=with_blocks(block("/dev/dm-0", "btrfs", "/dev/sdb", "/dev/sdc", kind="lvm", uuid=UUID))),
        "vg1/lv01: found btrfs, expected xfs or ext4",
    ),
    (
        host(blocks=with_blocks(block("/dev/dm-0", "crypto_LUKS", "/dev/sdb", "/dev/sdc", kind="lvm"))),
        "vg1/lv01: found LUKS, expected a filesystem",
    ),
    (
        host(table=(Exported("/mnt/a", "*", ("rw", "sec=krb5p")),)),
        "/mnt/a: exported with Kerberos, expected sec=sys",
    ),
    (
        host(table=(Exported("/mnt/a", "gss/krb5i", ("rw",)),)),
        "/mnt/a: exported with Kerberos, expected sec=sys",
    ),
    (
        host(
            table=(Exported("/mnt", "10.0.0.0/16", ("rw", "crossmnt")), Exported("/srv", "*", ("crossmnt",)))
        ),
        "/mnt is exported to 10.0.0.0/16 with crossmnt, and /mnt/a by that alone, expected an export of",
    ),
    (
        host(table=(Exported("/", "*", ("ro", "fsid=0", "crossmnt")),)),
        "/ is exported to * with crossmnt, and /mnt/a by that alone",
    ),
    (
        host(
            table=(Exported("/export/a", "*", ("rw",)),),
            mounts=(*host().mounts, DeviceMount("/export/a", "xfs", "rw", "/sub", "/dev/dm-0")),
        ),
        "/export/a is exported to * and is a bind mount out of a data filesystem",
    ),
    (
        host(
            blocks=with_blocks(
                block("/dev/sdb", "mpath_member"),
                block("/dev/dm-1", "LVM2_member", "/dev/sdb", kind="mpath"),
                block("/dev/dm-0", "xfs", "/dev/dm-1", "/dev/sdc", kind="lvm", uuid=UUID),
            ),
            physical=(
                PhysicalVolume("/dev/dm-1", "vg1", "u", False),
                PhysicalVolume("/dev/sdc", "vg1", "u", False),
            ),
        ),
        "bv1: multipathd has it as /dev/dm-1, expected the plain disk; blacklist it",
    ),
    (
        host(fstab=(DeviceLine("LABEL=a", "/mnt/a", "xfs", "ro,_netdev,nofail", "/dev/dm-0"),)),
        "spec.filesystems[0].options: found 'ro,_netdev,nofail', expected no ro",
    ),
    (host(mounts=(), fstab=()), "no filesystem of its volumes is mounted or in fstab"),
    (host(chap=("iqn.2015-12.com.oracleiaas:bv1",)), "found an attachment with CHAP, expected none"),
    (
        host(table=(Exported("/mnt/a/with blank", "*", ("rw",)),)),
        "spec.exports[0].path: found '/mnt/a/with blank'",
    ),
]


@pytest.mark.parametrize(("seen", "words"), REFUSED_HOSTS)
def test_what_cannot_be_recovered_is_refused_by_name(seen: HostView, words: str) -> None:
    with pytest.raises(Refused) as raised:
        site(seen)
    assert words in raised.value.reason


@pytest.mark.parametrize(
    ("written", "kept", "gone"),
    [
        ("noatime,noauto", "noatime,_netdev,nofail", "noauto"),
        (
            "_netdev,x-systemd.automount,x-systemd.idle-timeout=60,nofail",
            "_netdev,nofail",
            "x-systemd.automount,x-systemd.idle-timeout=60",
        ),
        ("noauto", "defaults,_netdev,nofail", "noauto"),
    ],
)
def test_options_that_keep_a_boot_from_mounting_it_are_left_out(written: str, kept: str, gone: str) -> None:
    line = DeviceLine("LABEL=a", "/mnt/a", "xfs", written, "/dev/dm-0")
    found = site(host(fstab=(line,))).storage
    assert [item.options for item in found.filesystems.values()] == [kept]
    assert f"/mnt/a: {gone} goes from its options: a takeover mounts it, and so does a boot" in found.notes


def test_every_reason_is_said_at_once() -> None:
    with pytest.raises(Refused) as raised:
        site(host(segments=(segment("thin"),)), volume(1, chap=True), volume(2, multipath=True))
    assert all(words in raised.value.reason for words in ("CHAP", "multipath", "thin"))


def test_a_server_without_volumes_or_life_is_none_to_adopt() -> None:
    with pytest.raises(Refused, match="no data volume attached"):
        adopted(replace(server(), volumes=()), host(), {})
    with pytest.raises(Refused, match="it is TERMINATED"):
        site(state="TERMINATED")


def test_without_the_host_there_is_no_storage_and_no_guess() -> None:
    found = adopted(server(), None, {})
    assert found.storage is None
    assert set(found.volumes) == {"bv1", "bv2"}


def test_a_volume_that_nobody_has_logged_in_to_is_said() -> None:
    seen = host(disks=host().disks)
    found = site(seen, volume(1), volume(2), volume(3)).storage
    assert any(note.startswith("bv3: attached, and the server has not logged in") for note in found.notes)


def test_names_are_hostname_labels() -> None:
    assert site(name="NFS Server (old)").name == "nfs-server-old"
    assert site(name="NFS Server (old)").hostname == "nfs-srv-1"
    assert site(name="日本").name == "nfs-srv-1"


def test_two_volumes_of_one_name_get_names_that_stay() -> None:
    found = adopted(server(volume(1, name="data"), volume(2, name="data")), None, {})
    assert set(found.volumes) == {"data-bvolume1", "data-bvolume2"}
    kept = adopted(
        server(volume(1, name="data"), volume(2, name="data")), None, {volume(1).volume_id: "first"}
    )
    assert set(kept.volumes) == {"first", "data-bvolume2"}


def test_a_disk_of_another_target_is_no_volume_of_the_site() -> None:
    stranger = Disk("iqn.2001-05.com.example:other", "192.0.2.1:3260", "/dev/sdz")
    seen = host(
        disks=(*host().disks, stranger),
        physical=(*host().physical, PhysicalVolume("/dev/sdz", "vg1", "uuid-of-vg1", False)),
        blocks=with_blocks(block("/dev/sdz", "LVM2_member", uuid=OTHER_UUID)),
    )
    with pytest.raises(Refused, match="it lies on /dev/sdz too"):
        site(seen)
