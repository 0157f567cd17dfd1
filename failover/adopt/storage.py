"""What lies on a server's data volumes, told by identity alone: IQN → disk → volume group → filesystem."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from failover.adopt.exports import ExportEntry, entries, kerberos, plain
from failover.adopt.host_view import BlockDevice, DeviceLine, Exported, HostView
from failover.cloud.server_reads import DataVolume

_PLAIN = ("linear", "striped")
_TYPES = ("xfs", "ext4")
_ABOVE = {"LVM2_member": "LVM", "crypto_LUKS": "LUKS", "linux_raid_member": "md"}
NOT_PLAIN = ("noauto", "x-systemd.automount", "x-systemd.idle-timeout")
NEEDED = ("_netdev", "nofail")  # a server whose volumes have moved away must still boot (systemd.mount(5))


@dataclass(frozen=True)
class AdoptedFilesystem:
    """One filesystem: on a logical volume (`group`, `logical`); or on `volume` itself, those two empty."""

    group: str
    logical: str
    volume: str
    mount: str
    type: str
    options: str
    uuid: str


@dataclass(frozen=True)
class AdoptedStorage:
    """`refusals`: why this cannot be recovered; `notes`: what a person should know, and decide."""

    groups: Mapping[str, tuple[str, ...]]
    filesystems: Mapping[str, AdoptedFilesystem]
    exports: tuple[ExportEntry, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]


def storage(host: HostView, volumes: Mapping[str, DataVolume]) -> AdoptedStorage:
    """The storage of these volumes (by name) on this host."""
    return _Look(host, volumes).storage()


class _Look:
    """One look: refusals and notes gather on the way from the disks up."""

    def __init__(self, host: HostView, volumes: Mapping[str, DataVolume]) -> None:
        self._host, self._volumes = host, volumes
        by_iqn = {volume.iqn: name for name, volume in volumes.items() if volume.iqn}
        self._disks = {disk.device: by_iqn[disk.iqn] for disk in host.disks if disk.iqn in by_iqn}
        self._refusals: list[str] = []
        self._notes: list[str] = []

    def storage(self) -> AdoptedStorage:
        self._multipath()
        groups = self._groups()
        self._segments(groups)
        self._unused()
        filesystems = self._filesystems(groups)
        self._clones(filesystems)
        exports = self._exports([item.mount for item in filesystems.values()])
        return AdoptedStorage(groups, filesystems, exports, tuple(self._refusals), tuple(self._notes))

    def _volume_of(self, device: str) -> str | None:
        """The data volume that this device, or what it lies on, is the disk of."""
        if device in self._disks:
            return self._disks[device]
        block = self._host.blocks.get(device)
        parents = [self._volume_of(parent) for parent in block.parents] if block else []
        return parents[0] if len(parents) == 1 else None

    def _multipath(self) -> None:
        """The hooks know a volume by the disk of its session, which such a map hides."""
        for block in sorted(self._host.blocks.values(), key=lambda one: one.device):
            owner = self._volume_of(block.device) if block.kind == "mpath" else None
            if owner:
                self._refusals.append(
                    f"{owner}: multipathd has it as {block.device}, expected the plain disk; blacklist it in "
                    '/etc/multipath.conf (device { vendor "ORACLE" product "BlockVolume" }), restart the '
                    "server, then adopt again"
                )

    def _groups(self) -> dict[str, tuple[str, ...]]:
        groups: dict[str, tuple[str, ...]] = {}
        for name in sorted({one.group for one in self._host.physical if one.group}):
            members = [one for one in self._host.physical if one.group == name]
            owners = {one.device: self._volume_of(one.device) for one in members}
            if not any(owners.values()):
                continue  # of the root disk, or of disks that are none of OCI's
            if len({one.group_uuid for one in members}) > 1:
                self._refusals.append(
                    f"volume group {name}: found two of this name, expected one; vgrename the one that is "
                    "not on the data volumes"
                )
                continue
            if lost := [one.device for one in members if one.missing]:
                self._refusals.append(
                    f"volume group {name}: {len(lost)} of its {len(members)} physical volumes are missing, "
                    "expected all; attach and log in to every volume of it, then adopt again"
                )
                continue
            if foreign := sorted(device for device, owner in owners.items() if owner is None):
                self._refusals.append(
                    f"volume group {name}: it lies on {', '.join(foreign)} too, expected data volumes of the "
                    f"server alone (the boot disk does not move); pvmove {foreign[0]}, then vgreduce {name} "
                    f"{foreign[0]}"
                )
                continue
            groups[name] = tuple(sorted({owner for owner in owners.values() if owner}))
        return groups

    def _segments(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        odd = {(s.group, s.name, s.kind) for s in self._host.segments if s.group in groups}
        for group, name, kind in sorted(item for item in odd if item[2] not in _PLAIN):
            remedy = (
                "remove that snapshot"
                if kind == "snapshot"
                else "lvconvert it, or move its data to a plain one"
            )
            self._refusals.append(
                f"logical volume {group}/{name}: found type {kind}, expected linear or striped; {remedy}"
            )

    def _unused(self) -> None:
        """Volumes that move along although nothing of them is known, or used."""
        with_disk = set(self._disks.values())
        for name in self._volumes:
            if name not in with_disk:
                self._notes.append(
                    f"{name}: attached, and the server has not logged in to it: it moves along, and what "
                    "lies on it is not known"
                )
        for device, name in sorted(self._disks.items()):
            blocks = [b for b in self._host.blocks.values() if self._volume_of(b.device) == name]
            if not any(b.fstype for b in blocks if b.device == device or b.kind == "part"):
                self._notes.append(f"{name}: nothing is on it; it moves along")

    def _filesystems(self, groups: Mapping[str, tuple[str, ...]]) -> dict[str, AdoptedFilesystem]:
        filesystems: dict[str, AdoptedFilesystem] = {}
        for group, logical, volume, device in self._devices(groups):
            made = self._filesystem(group, logical, volume, device)
            if made:
                filesystems[_key(made.mount, filesystems)] = made
        return dict(sorted(filesystems.items(), key=lambda item: item[1].mount))

    def _devices(self, groups: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str, str]]:
        """Group, logical volume, volume and device of all that could have a filesystem."""
        devices = {(s.group, s.name): s.device for s in self._host.segments if s.group in groups}
        for (group, logical), device in sorted(devices.items()):
            if device:
                yield group, logical, "", device
            else:
                self._notes.append(f"{group}/{logical}: it is not active, so what lies on it is not known")
        for block in sorted(self._host.blocks.values(), key=lambda one: one.device):
            owner = self._volume_of(block.device)
            if owner and block.kind in ("disk", "part"):
                yield "", "", owner, block.device

    def _filesystem(self, group: str, logical: str, volume: str, device: str) -> AdoptedFilesystem | None:
        block = self._host.blocks.get(device, BlockDevice(device, "", "", "", "", ()))
        what = f"{group}/{logical}" if group else f"{volume} ({device})"
        lines = [line for line in self._host.fstab if line.real == device and not _binds(line)]
        mounts = [one.mount for one in self._host.mounts if one.real == device and one.root == "/"]
        if block.fstype in _ABOVE:
            if block.fstype != "LVM2_member" or group:
                self._refusals.append(
                    f"{what}: found {_ABOVE[block.fstype]}, expected a filesystem; move its data to one"
                )
            return None
        if not mounts and not lines:
            if block.fstype:
                self._notes.append(
                    f"{what}: its {block.fstype} is mounted nowhere and has no line in fstab: it moves "
                    "along, and nobody mounts it"
                )
            return None
        if block.fstype not in _TYPES:
            self._refusals.append(
                f"{what}: found {block.fstype or 'no filesystem'}, expected xfs or ext4; move its data to one"
            )
            return None
        return self._mounted(group, logical, volume, block, lines, mounts)

    def _mounted(
        self,
        group: str,
        logical: str,
        volume: str,
        block: BlockDevice,
        lines: list[DeviceLine],
        mounts: list[str],
    ) -> AdoptedFilesystem:
        line = next((line for line in lines if line.mount in mounts), next(iter(lines), None))
        mount = line.mount if line else mounts[0]
        if mount not in mounts:
            self._notes.append(f"{mount}: it is in fstab and not mounted now")
        if more := sorted({*mounts, *(one.mount for one in lines)} - {mount}):
            self._notes.append(f"{mount}: also on {', '.join(more)}, which another server would lack")
        for one in self._host.fstab:
            if _binds(one) and _below(os.path.normpath(one.source), mount):
                self._notes.append(
                    f"{one.mount}: a bind mount out of {mount} in this server's own fstab; another server "
                    "needs the line in its image"
                )
        return AdoptedFilesystem(
            group, logical, volume, mount, block.fstype, self._options(mount, line), block.uuid
        )

    def _options(self, mount: str, line: DeviceLine | None) -> str:
        """The line's own options with what another host's boot needs."""
        own = line.options.split(",") if line else ["defaults"]
        if odd := [option for option in own if option.partition("=")[0] in NOT_PLAIN]:
            own = [option for option in own if option not in odd] or ["defaults"]
            self._notes.append(
                f"{mount}: {','.join(odd)} goes from its options: a takeover mounts it, and so does a boot"
            )
        if line is None:
            self._notes.append(f"{mount}: mounted without a line in fstab; the options are defaults")
        lacking = [option for option in NEEDED if option not in own]
        if lacking:
            self._notes.append(
                f"{mount}: {','.join(lacking)} comes to its options: a server without its volumes must boot"
            )
        if any("prjquota" in o or "pquota" in o for o in own) and self._host.quota_files:
            self._notes.append(
                f"{mount}: project quotas are named on the root disk ({', '.join(self._host.quota_files)})"
            )
        return ",".join(own + lacking)

    def _clones(self, filesystems: Mapping[str, AdoptedFilesystem]) -> None:
        """XFS mounts no second filesystem of one UUID (xfs(5), nouuid), and a clone may be taken for it. LVM
        activates no group while a physical volume of it is there twice (lvmdevices(8), duplicate PVs)."""
        members = [b for b in self._host.blocks.values() if b.fstype == "LVM2_member" and b.uuid]
        for uuid in sorted({b.uuid for b in members}):
            devices = sorted(b.device for b in members if b.uuid == uuid and self._volume_of(b.device))
            if len(devices) > 1:
                names = " and ".join(f"{self._volume_of(device)} ({device})" for device in devices)
                self._refusals.append(
                    f"{names}: found one physical volume of LVM on both, expected a clone on no server that "
                    "has the original; detach the clone, or vgimportclone it"
                )
        for item in filesystems.values():
            same = [b for b in self._host.blocks.values() if item.uuid and b.uuid == item.uuid and b.fstype]
            if len(same) > 1:
                self._refusals.append(
                    f"{item.mount}: found its UUID {item.uuid} on "
                    f"{' and '.join(sorted(b.device for b in same))}, expected one; detach the clone, or "
                    "give it a UUID of its own (xfs_admin -U generate)"
                )

    def _exports(self, mounts: list[str]) -> tuple[ExportEntry, ...]:
        rows = self._host.table or self._host.files
        if not self._host.table and self._host.files:
            self._notes.append("nothing is exported now: the exports are those of the files of exports")
        inside = [row for row in rows if any(_below(row.path, mount) for mount in mounts)]
        if not inside:
            self._notes.append(
                "nothing of the data is exported: the service of the next server would have none"
            )
        rows = tuple(row for row in rows if not self._is_bound(row, mounts))
        alone = [mount for mount in mounts if not any(_below(row.path, mount) for row in inside)]
        self._stays((row for row in rows if row not in inside), alone)
        for path in kerberos(inside):
            self._refusals.append(
                f"{path}: exported with Kerberos, expected sec=sys; a new server would lack its keys"
            )
        return entries(inside)

    def _is_bound(self, row: Exported, mounts: list[str]) -> bool:
        """Whether it is exported through a bind mount out of a data filesystem: refused, as by preflight."""
        if any(_below(row.path, mount) for mount in mounts):
            return False
        data = {one.real for one in self._host.mounts if one.mount in mounts}
        binds = [one.mount for one in self._host.mounts if one.real in data and one.root != "/"]
        if not any(_below(row.path, mount) for mount in binds):
            return False
        self._refusals.append(
            f"{row.path} is exported to {plain(row.client)} and is a bind mount out of a data filesystem, "
            "expected the filesystem's own folder; export that instead (fsid=0 makes it NFSv4's root)"
        )
        return True

    def _stays(self, rows: Iterator[Exported], alone: list[str]) -> None:
        """`alone`: mount points of the data without an export of their own."""
        for row in rows:
            served = (
                [mount for mount in alone if _below(mount, row.path)] if "crossmnt" in row.options else []
            )
            if served:
                names = ", ".join(served)
                self._refusals.append(
                    f"{row.path} is exported to {plain(row.client)} with crossmnt, and {names} by that "
                    f"alone, expected an export of its own; export {names}"
                )
                continue
            self._notes.append(
                f"{row.path} is exported to {plain(row.client)} from the server's own disk: "
                "it stays behind, and is left as it is"
            )


def _binds(line: DeviceLine) -> bool:
    return bool({"bind", "rbind"} & set(line.options.split(",")))


def _below(path: str, mount: str) -> bool:
    return path == mount or path.startswith(mount.rstrip("/") + "/")


def _key(mount: str, earlier: Mapping[str, AdoptedFilesystem]) -> str:
    """A name for a filesystem: the end of its mount point, and more of it where that is taken."""
    parts = [re.sub(r"[^A-Za-z0-9_.-]", "-", part) for part in mount.split("/") if part] or ["root"]
    for count in range(1, len(parts) + 1):
        if (name := "-".join(parts[-count:])) not in earlier:
            return name
    return "-".join([*parts, str(len(earlier))])
