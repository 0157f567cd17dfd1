"""What the hooks' inventory (hooks/survey/inventory.py) read on a server, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from failover.model.host.hook_report import HookReport
from failover.model.outcome import Unknown
from hooks.contract.result import CLIENTS, PRESENT, WAYS_BY_CLIENT

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Disk:
    """The disk of an iSCSI target, by udev's name for its path. `device` is the kernel's name."""

    iqn: str
    portal: str
    device: str


@dataclass(frozen=True)
class BlockDevice:
    """A block device and what is on it. `parents`: the devices that it lies on."""

    device: str
    kind: str
    fstype: str
    uuid: str
    label: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class PhysicalVolume:
    """One LVM physical volume; `missing`: LVM knows of it and does not find it."""

    device: str
    group: str
    group_uuid: str
    missing: bool


@dataclass(frozen=True)
class Segment:
    """One segment of a logical volume. `device` is empty while it is not active."""

    group: str
    name: str
    device: str
    kind: str
    stripes: str
    stripe_size: str
    devices: str


@dataclass(frozen=True)
class DeviceLine:
    """An active line of fstab; `real`: the device that its source leads to, empty when nowhere."""

    source: str
    mount: str
    type: str
    options: str
    real: str


@dataclass(frozen=True)
class DeviceMount:
    """A mounted block device; `root`: the folder of its filesystem that it shows."""

    mount: str
    type: str
    options: str
    root: str
    real: str


@dataclass(frozen=True)
class Exported:
    """One path exported to one client, with all its options."""

    path: str
    client: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class HostView:
    """A server by its own word. `unread`: what could not be read, and why, a line each."""

    system: str = ""
    login: str = ""
    keys: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    agent: bool = False
    disks: tuple[Disk, ...] = ()
    chap: tuple[str, ...] = ()
    physical: tuple[PhysicalVolume, ...] = ()
    segments: tuple[Segment, ...] = ()
    blocks: Mapping[str, BlockDevice] = field(default_factory=dict)
    fstab: tuple[DeviceLine, ...] = ()
    mounts: tuple[DeviceMount, ...] = ()
    quota_files: tuple[str, ...] = ()
    table: tuple[Exported, ...] = ()
    files: tuple[Exported, ...] = ()
    threads: str = ""
    versions: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def parse(report: HookReport) -> HostView:
    """The inventory as values. Raises Unknown when it has another shape than this version's."""
    parts = {layer.layer: layer.facts for layer in report.layers if layer.state == PRESENT}
    unread = tuple(f"{x.layer}: {x.message}" for x in report.layers if x.state != PRESENT)
    try:
        return _host(parts, unread)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unknown(
            f"{report.host}: its inventory is not as expected: {type(error).__name__}: {error}",
            "report this; what the API tells can be adopted without it",
        ) from error


def _host(parts: Mapping[str, Facts], unread: tuple[str, ...]) -> HostView:
    system, iscsi = parts.get("system", {}), parts.get("iscsi", {})
    lvm, mounts = parts.get("lvm", {}), parts.get("mounts", {})
    exports, nfs = parts.get("exports", {}), parts.get("nfs", {})
    files = [row for rows in exports.get("files", {}).values() for row in rows]
    return HostView(
        system=str(system.get("os", {}).get("PRETTY_NAME", "")),
        login=str(system.get("login", "")),
        keys=tuple(system.get("authorized_keys", ())),
        active=tuple(system.get("active", ())),
        agent=bool(system.get("agent", False)),
        disks=tuple(Disk(d["iqn"], d["portal"], d["device"]) for d in iscsi.get("disks", ()) if d["device"]),
        chap=tuple(sorted({r["iqn"] for r in iscsi.get("records", ()) if r["chap"]})),
        physical=tuple(map(_physical, lvm.get("physical", ()))),
        segments=tuple(map(_segment, lvm.get("segments", ()))),
        blocks={d["device"]: _block(d) for d in parts.get("block", {}).get("devices", ())},
        fstab=tuple(DeviceLine(**line) for line in parts.get("fstab", {}).get("lines", ())),
        mounts=tuple(DeviceMount(**mount) for mount in mounts.get("mounts", ())),
        quota_files=tuple(mounts.get("quota_files", ())),
        table=tuple(map(_exported, exports.get("table", ()))),
        files=tuple(map(_exported, files)),
        threads=str(nfs.get("threads", "")),
        versions=tuple(nfs.get("versions", ())),
        settings=dict(nfs.get("settings", {})),
        clients={c: tuple(ways) for c, ways in parts.get(CLIENTS, {}).get(WAYS_BY_CLIENT, {}).items()},
        unread=unread,
    )


def _physical(row: Mapping[str, str]) -> PhysicalVolume:
    return PhysicalVolume(row["device"], row["vg_name"], row["vg_uuid"], bool(row["pv_missing"]))


def _segment(row: Mapping[str, str]) -> Segment:
    kind = row["segtype"]
    if kind in ("linear", "striped") and row.get("origin"):  # lvs(8) tells a snapshot by that alone
        kind = "snapshot"
    return Segment(
        row["vg_name"],
        row["lv_name"].strip("[]"),
        row["device"],
        kind,
        row["stripes"],
        row["stripe_size"],
        row["devices"],
    )


def _block(row: Mapping[str, Any]) -> BlockDevice:
    parents = tuple(row["parents"])
    return BlockDevice(row["device"], row["type"], row["fstype"], row["uuid"], row["label"], parents)


def _exported(row: Mapping[str, Any]) -> Exported:
    return Exported(row["path"], row["client"], tuple(row["options"]))
