"""A host's block devices as the kernel and udev show them: /dev, /dev/disk/by-*, /sys/block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.model.host.storage import (
    Content,
    Disk,
    Filesystem,
    LogicalVolume,
    PhysicalVolume,
    Volume,
    VolumeGroup,
)

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(eq=False)
class Block:
    """A device of the kernel; `paths` are udev's names for where it hangs."""

    name: str
    content: Content = None
    whole: str = ""
    volume: Volume | None = None
    wwid: str = ""
    paths: list[str] = field(default_factory=list)
    group: VolumeGroup | None = None
    logical: LogicalVolume | None = None
    below: list[Block] = field(default_factory=list)

    @property
    def node(self) -> str:
        return "/dev/" + self.name

    @property
    def mapped(self) -> str:
        """device-mapper's name of a logical volume: hyphens are doubled (lvm(8))."""
        assert self.group
        assert self.logical
        return self.group.name.replace("-", "--") + "-" + self.logical.name.replace("-", "--")


class Devices:
    """The blocks by kernel name, kept in step with the files below the host's root."""

    def __init__(self, host: LinuxHost) -> None:
        self.host = host
        self.blocks: dict[str, Block] = {}
        self._shown: dict[str, str | None] = {}

    def add_disk(self, disk: Disk, volume: Volume | None = None, path: str = "") -> Block:
        """The disk with its partitions under the next free letter."""
        name = next("sd" + letter for letter in _LETTERS if "sd" + letter not in self.blocks)
        block = Block(name, disk.whole, volume=volume, wwid=disk.wwid, paths=[path] if path else [])
        self.blocks[name] = block
        for number, content in enumerate(disk.partitions, 1):
            part = f"{name}{number}"
            paths = [f"{path}-part{number}"] if path else []
            self.blocks[part] = Block(part, content, name, volume, f"{disk.wwid}-part{number}", paths)
        self.show()
        return block

    def remove_disk(self, name: str) -> None:
        """The disk and its partitions go; what is stacked on them stays, and is dead."""
        for block in [*self.parts(name), self.blocks[name]]:
            del self.blocks[block.name]
        self.show()

    def parts(self, name: str) -> list[Block]:
        return [block for block in self.blocks.values() if block.whole == name]

    def activate(self, group: VolumeGroup, logical: LogicalVolume, below: list[Block]) -> None:
        number = next(n for n in range(100) if f"dm-{n}" not in self.blocks)
        block = Block(f"dm-{number}", logical.filesystem, group=group, logical=logical, below=below)
        self.blocks[block.name] = block
        self.show()

    def deactivate(self, block: Block) -> None:
        del self.blocks[block.name]
        self.show()

    def active(self, group: VolumeGroup) -> list[Block]:
        return [block for block in self.blocks.values() if block.group is group]

    def alive(self, block: Block) -> bool:
        """Whether reads from it come back: its volumes are still attached to this host."""
        if block.logical:
            return all(self.alive(item) for item in block.below)
        return not block.volume or self.host.site.storage.holder(block.volume) == self.host.name

    def physical(self) -> Iterator[tuple[Block, PhysicalVolume]]:
        for block in self.blocks.values():
            if isinstance(block.content, PhysicalVolume) and self.alive(block):
                yield block, block.content

    def find(self, name: str) -> Block | None:
        """The device of a name as mount(8) takes it: a path, UUID=, LABEL=, quoted or not."""
        kind, equals, value = name.partition("=")
        if equals and not name.startswith("/"):
            return self._tagged(kind, value.strip('"'))
        found = self.host.real(name)
        return self.blocks.get(Path(found).name) if found and found.startswith("/dev/") else None

    def _tagged(self, kind: str, value: str) -> Block | None:
        attribute = {"UUID": "uuid", "LABEL": "label", "PARTUUID": "partuuid"}.get(kind)
        for block in self.blocks.values():
            content = block.content
            if kind == "PARTUUID" and not block.whole:
                continue
            if attribute and isinstance(content, Filesystem) and self.alive(block):
                found = getattr(content, attribute)
                if found and found == value:  # UUIDs are compared as text: mount(8)
                    return block
        return None

    def _wanted(self) -> dict[str, str | None]:
        """Every file (None) and every link with what it leads to."""
        wanted: dict[str, str | None] = {}
        for block in self.blocks.values():
            wanted[block.node] = None
            for link in self._links(block):
                wanted.setdefault(link, os.path.relpath(block.node, Path(link).parent))
            for below in block.below:
                wanted[f"/sys/block/{below.whole or below.name}/holders/{block.name}"] = None
                wanted[f"/sys/block/{block.name}/slaves/{below.name}"] = None
            home = f"{block.whole}/{block.name}" if block.whole else block.name
            wanted[f"/sys/block/{home}/{'partition' if block.whole else 'size'}"] = None
            wanted[f"/sys/class/block/{block.name}"] = os.path.relpath(
                f"/sys/block/{home}", "/sys/class/block"
            )
        return wanted

    def _links(self, block: Block) -> Iterator[str]:
        for path in block.paths:
            yield "/dev/disk/by-path/" + path
        if block.name.startswith("sd"):
            yield "/dev/oracleoci/oraclevd" + block.name[2:]
        if block.whole and isinstance(block.content, Filesystem):
            yield "/dev/disk/by-partuuid/" + block.content.partuuid
        if block.wwid:
            yield "/dev/disk/by-id/scsi-3" + block.wwid.partition(".")[2]
        if block.group and block.logical:
            yield "/dev/mapper/" + block.mapped
            yield f"/dev/{block.group.name}/{block.logical.name}"
            yield "/dev/disk/by-id/dm-name-" + block.mapped
        if isinstance(block.content, Filesystem):
            yield "/dev/disk/by-uuid/" + block.content.uuid
            if block.content.label:
                yield "/dev/disk/by-label/" + block.content.label

    def show(self) -> None:
        """Makes and removes what has changed, and no other file: other threads look meanwhile."""
        wanted = self._wanted()
        for name in [name for name, target in self._shown.items() if wanted.get(name, "") != target]:
            self._remove(name)
        for name, target in wanted.items():
            if name not in self._shown or self._shown[name] != target:
                self._make(Path(self.host.path(name)), target)
        self._shown = wanted

    def _remove(self, name: str) -> None:
        path = Path(self.host.path(name))
        path.unlink()
        with suppress(OSError):
            if name.count("/") > 2:
                path.parent.rmdir()

    def _make(self, path: Path, target: str | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if target is None:
            path.write_text("")
        else:
            path.symlink_to(target)
