"""A server as the API and the hooks tell it: two volumes, vg1/lv01, XFS on /mnt/a; tests change a thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from failover.adopt.host_view import (
    BlockDevice,
    DeviceLine,
    DeviceMount,
    Disk,
    Exported,
    HostView,
    PhysicalVolume,
    Segment,
)
from failover.cloud.server_reads import DataVolume, ServerFacts, ServerInstance, ServerVnic

INSTANCE_ID = "ocid1.instance.oc1.ap-tokyo-1.aaaa"
UUID = "3f1c0d9e-0000-4000-8000-00000000000a"
OTHER_UUID = "3f1c0d9e-0000-4000-8000-00000000000b"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPyZ8zVN0Y0d1s4lqGqTj2y3mQfT1oQb2mB0o8d5t1X operator@example"


def volume(number: int, **changes: Any) -> DataVolume:
    """bvN, attached as the console attaches it."""
    plain = DataVolume(
        attachment_id=f"ocid1.volumeattachment.oc1.ap-tokyo-1.at{number}",
        volume_id=f"ocid1.volume.oc1.ap-tokyo-1.aaaabbbbvolume{number}",
        name=f"bv{number}",
        state="AVAILABLE",
        availability_domain="Uocm:AP-TOKYO-1-AD-1",
        size_gbs=50,
        vpus_per_gb=10,
        kind="iscsi",
        iqn=f"iqn.2015-12.com.oracleiaas:bv{number}",
        address=f"169.254.2.{number + 1}",
        port=3260,
        shareable=False,
        read_only=False,
        multipath=False,
        chap=False,
        agent_login=False,
        holders=(INSTANCE_ID,),
        backup_policy=True,
    )
    return replace(plain, **changes)


def vnic(**changes: Any) -> ServerVnic:
    """The primary VNIC."""
    plain = ServerVnic(
        "ocid1.vnic.oc1.ap-tokyo-1.v1",
        "nfs-srv-1",
        True,
        0,
        "ocid1.subnet.oc1.ap-tokyo-1.s1",
        "private",
        "10.0.0.0/24",
        "10.0.0.11",
        "nfs-srv-1",
        (),
        False,
        ("10.0.0.11",),
    )
    return replace(plain, **changes)


def server(*volumes: DataVolume, instance: dict[str, Any] | None = None, **changes: Any) -> ServerFacts:
    """The server by the API."""
    plain = ServerInstance(
        INSTANCE_ID,
        "nfs-srv-1",
        "RUNNING",
        "ocid1.compartment.oc1..c1",
        "ap-tokyo-1",
        "Uocm:AP-TOKYO-1-AD-1",
        "FAULT-DOMAIN-1",
        "BM.Optimized3.36",
        36.0,
        512.0,
        "ocid1.image.oc1.ap-tokyo-1.i1",
        50,
        "",
        KEY,
    )
    seen = ServerFacts(replace(plain, **(instance or {})), (vnic(),), volumes or (volume(1), volume(2)))
    return replace(seen, **changes)


def block(device: str, fstype: str, *parents: str, kind: str = "disk", uuid: str = "") -> BlockDevice:
    """A block device and what is on it."""
    return BlockDevice(device, kind, fstype, uuid, "", parents)


def segment(kind: str = "striped", **changes: Any) -> Segment:
    """vg1/lv01 on dm-0."""
    return replace(
        Segment("vg1", "lv01", "/dev/dm-0", kind, "2", "64K", "/dev/sdb(0),/dev/sdc(0)"), **changes
    )


def host(**changes: Any) -> HostView:
    """The server by its own word."""
    blocks = [
        block("/dev/sda", ""),
        block("/dev/sda1", "xfs", "/dev/sda", kind="part", uuid=OTHER_UUID),
        block("/dev/sdb", "LVM2_member"),
        block("/dev/sdc", "LVM2_member"),
        block("/dev/dm-0", "xfs", "/dev/sdb", "/dev/sdc", kind="lvm", uuid=UUID),
    ]
    plain = HostView(
        system="Oracle Linux Server 9.4",
        disks=tuple(
            Disk(f"iqn.2015-12.com.oracleiaas:bv{n}", f"169.254.2.{n + 1}:3260", f"/dev/sd{letter}")
            for n, letter in ((1, "b"), (2, "c"))
        ),
        physical=tuple(PhysicalVolume(f"/dev/sd{letter}", "vg1", "uuid-of-vg1", False) for letter in "bc"),
        segments=(segment(),),
        blocks={one.device: one for one in blocks},
        fstab=(DeviceLine("LABEL=a", "/mnt/a", "xfs", "defaults,noatime,_netdev", "/dev/dm-0"),),
        mounts=(
            DeviceMount("/", "xfs", "rw", "/", "/dev/sda1"),
            DeviceMount("/mnt/a", "xfs", "rw", "/", "/dev/dm-0"),
        ),
        table=(Exported("/mnt/a", "10.0.0.0/16", ("sync", "wdelay", "hide", "rw", "no_root_squash")),),
        threads="256",
        versions=("+3", "+4"),
    )
    return replace(plain, **changes)


def with_blocks(*more: BlockDevice) -> dict[str, BlockDevice]:
    """The host's block devices with these besides, or in the place of those of their names."""
    return {**host().blocks, **{one.device: one for one in more}}
