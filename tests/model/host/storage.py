"""What lies on disks, and which host each block volume is attached to. Shared by all hosts of a site."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_SERIAL = itertools.count(1)


def new_uuid() -> str:
    """As mkfs makes them; another one at every call."""
    return f"0f3b1b5c-6f1e-4b0e-9c3c-{next(_SERIAL):012x}"


def new_lvm_uuid() -> str:
    """As LVM makes them, in groups of 6-4-4-4-4-4-6."""
    return f"2bxLQE-qGG0-LGig-VBNz-Co2u-FiQ5-{next(_SERIAL):06d}"


@dataclass(eq=False)
class Filesystem:
    """A filesystem on a device; `folders` lie in its root."""

    type: str = "xfs"
    label: str = ""
    folders: tuple[str, ...] = ()
    uuid: str = field(default_factory=new_uuid)
    partuuid: str = field(default_factory=new_uuid)  # of the partition that it lies on, where it does


@dataclass(eq=False)
class LogicalVolume:
    """`layout` is a value of lvs -o lv_layout; `uses`: the physical volumes that it lies on."""

    name: str
    filesystem: Filesystem | None = None
    layout: str = "linear"
    uses: list[PhysicalVolume] = field(default_factory=list)


@dataclass(eq=False)
class VolumeGroup:
    """The metadata that all physical volumes of a group carry."""

    name: str
    logical: list[LogicalVolume] = field(default_factory=list)
    system_id: str = ""
    physical: list[PhysicalVolume] = field(default_factory=list)
    uuid: str = field(default_factory=new_lvm_uuid)


@dataclass(eq=False)
class PhysicalVolume:
    group: VolumeGroup | None = None
    uuid: str = field(default_factory=new_lvm_uuid)

    def __post_init__(self) -> None:
        if self.group:
            self.group.physical.append(self)


Content = Filesystem | PhysicalVolume | None


@dataclass(eq=False)
class Disk:
    """What lies on the whole disk, or on its partitions; `wwid` is its name for LVM's devices file."""

    whole: Content = None
    partitions: tuple[Content, ...] = ()
    wwid: str = field(default_factory=lambda: f"naa.6{next(_SERIAL):015x}")


@dataclass(eq=False)
class Volume:
    """A block volume: an iSCSI target with one disk, LUN 1 as OCI has it."""

    name: str
    disk: Disk
    iqn: str = field(default_factory=lambda: f"iqn.2015-12.com.oracleiaas:{new_uuid()}")


class Attachment(NamedTuple):
    host: str
    address: str
    port: int = 3260


class Storage:
    """Attachments by volume name, never more than one for each volume; `folder` holds unmounted files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volumes: dict[str, Volume] = {}
        self.attachments: dict[str, Attachment] = {}
        self._addresses = itertools.count(2)

    def add(self, volume: Volume) -> Volume:
        self.volumes[volume.name] = volume
        return volume

    def attach(self, name: str, host: str) -> Attachment:
        """A new attachment has a new portal; raises AssertionError when the volume has another one."""
        assert name not in self.attachments, f"{name} is attached to {self.attachments[name].host}"
        self.attachments[name] = Attachment(host, f"169.254.2.{next(self._addresses)}")
        return self.attachments[name]

    def detach(self, name: str) -> None:
        del self.attachments[name]

    def holder(self, volume: Volume) -> str:
        """The name of the host that it is attached to, empty when there is none."""
        found = self.attachments.get(volume.name)
        return found.host if found else ""

    def targets(self, host: str) -> Iterator[tuple[Volume, str]]:
        """Every volume that this host may log in to, with its portal."""
        for name, found in self.attachments.items():
            if found.host == host:
                yield self.volumes[name], f"{found.address}:{found.port}"

    def home(self, filesystem: Filesystem) -> Path:
        """The folder that stands for the filesystem while no host has mounted it."""
        folder = self.folder / filesystem.uuid
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in filesystem.folders:
                (folder / name).mkdir(parents=True)
        return folder
