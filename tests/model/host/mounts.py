"""The mount table of a host, as the kernel walks it; what is mounted is a folder there."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.model.host.devices import Block
from tests.model.host.storage import Filesystem

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost


@dataclass(eq=False)
class Mount:
    """`block`, or for NFS the server's `address` and `path`; `line` is the source as it was written."""

    id: int
    parent: int
    mount: str
    type: str
    source: str
    options: str = "rw,relatime"
    block: Block | None = None
    address: str = ""
    path: str = ""
    root: str = "/"
    super_options: str = "rw"
    borrowed: bool = False  # its files are a copy: the filesystem is mounted elsewhere as well
    covered: str = field(default="")


def normal(path: str) -> str:
    return os.path.normpath("/" + path.strip("/"))


def inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


class Mounts:
    """Mounts in the order in which they were made."""

    def __init__(self, host: LinuxHost) -> None:
        self.host = host
        self._ids = itertools.count(22)
        self.table = [Mount(next(self._ids), 1, "/", "ext4", "/dev/sda1")]
        for name in ("/proc", "/sys", "/dev", "/run"):
            kind = {"/dev": "devtmpfs", "/run": "tmpfs", "/sys": "sysfs"}.get(name, "proc")
            self.table.append(Mount(next(self._ids), 22, name, kind, kind))

    def canonical(self, path: str) -> str:
        """The path without links and double slashes, as the kernel ends up with."""
        found = os.path.relpath(
            os.path.realpath(self.host.path(normal(path))), os.path.realpath(self.host.root)
        )
        return "/" if found == "." else "/" + found

    def trail(self, path: str) -> list[Mount]:
        """The mounts that a walk to this path crosses, the one that it ends on last."""
        found = [self.table[0]]
        while True:
            below = [m for m in self.table if m.parent == found[-1].id and inside(path, m.mount)]
            if not below:
                return found
            found.append(min(below, key=lambda m: (len(m.mount), -m.id)))

    def walk(self, path: str) -> Mount:
        return self.trail(path)[-1]

    def top(self, path: str) -> Mount | None:
        """What is mounted on exactly this path, seen from outside."""
        found = self.walk(path)
        return found if found.mount == path else None

    def under(self, mount: Mount) -> list[Mount]:
        """Those below this one, the outermost first."""
        children = [m for m in self.table if m.parent == mount.id]
        return [item for child in children for item in [child, *self.under(child)]]

    def of_block(self, block: Block) -> list[Mount]:
        return [m for m in self.table if m.block is block]

    def add(self, mount: Mount, files: Path) -> None:
        """Puts the mount with its files (a folder that is moved there) on its mount point."""
        mount.id, mount.parent = next(self._ids), self.walk(mount.mount).id
        place, covered = Path(self.host.path(mount.mount)), Path(self.host.path(f"/.covered/{mount.id}"))
        covered.parent.mkdir(exist_ok=True)
        place.rename(covered)
        files.rename(place)
        mount.covered = str(covered)
        self.table.append(mount)
        self.show()

    def files_of(self, block: Block, mount: Mount) -> Path:
        """The folder to mount for a device: the filesystem's own, or a copy while it is mounted elsewhere."""
        assert isinstance(block.content, Filesystem)
        others = self.of_block(block)
        if not others:
            return self.host.site.storage.home(block.content)
        mount.borrowed = True
        return self.copy(Path(self.host.path(others[0].mount)))

    def copy(self, source: Path) -> Path:
        """The folders of a tree, without its files."""
        target = self.host.site.folder / "copies" / f"{self.host.name}-{next(self._ids)}"
        target.mkdir(parents=True)
        for folder, _, _ in os.walk(source):
            (target / os.path.relpath(folder, source)).mkdir(exist_ok=True)
        return target

    def remove(self, mount: Mount) -> None:
        """Takes the mount and all below it off the tree."""
        for item in [*self.under(mount)[::-1], mount]:
            self._remove(item)
        self.show()

    def _remove(self, mount: Mount) -> None:
        place = Path(self.host.path(mount.mount))
        if mount.block and not mount.borrowed:
            assert isinstance(mount.block.content, Filesystem)
            place.rename(self.host.site.storage.folder / mount.block.content.uuid)
        else:
            shutil.rmtree(place)
        Path(mount.covered).rename(place)
        self.table.remove(mount)

    def dead(self, mount: Mount) -> bool:
        """Whether a look at it hangs: a hard NFS mount without its server."""
        return mount.type.startswith("nfs") and self.host.site.answer(self.host, mount) == "silent"

    def show(self) -> None:
        lines = [self._line(mount) for mount in self.table]
        self.host.show("/proc/self/mountinfo", "".join(lines))
        plain = [f"{_escaped(m.source)} {_escaped(m.mount)} {m.type} {m.options} 0 0\n" for m in self.table]
        self.host.show("/proc/self/mounts", "".join(plain))
        self.host.show("/proc/mounts", "".join(plain))

    def _line(self, m: Mount) -> str:
        device = m.block.name if m.block else m.source
        number = f"0:{m.id}" if not m.block else f"253:{sum(map(ord, device)) % 256}"
        where = f"{m.id} {m.parent} {number} {_escaped(m.root)} {_escaped(m.mount)}"
        return f"{where} {m.options} shared:{m.id} - {m.type} {_escaped(m.source)} {m.super_options}\n"


def _escaped(text: str) -> str:
    for character in "\\ \t\n":
        text = text.replace(character, f"\\{ord(character):03o}")
    return text
