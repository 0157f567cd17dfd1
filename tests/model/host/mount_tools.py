"""mount(8), umount(8), findmnt(8) and stat -f, as of util-linux 2.38 and nfs-utils 2.6."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hooks.host.host import CommandOutcome
from tests.model.host.automounts import trigger
from tests.model.host.devices import Block
from tests.model.host.mounts import Mount, inside, normal
from tests.model.host.storage import Filesystem
from tests.model.host.tools import HangError, Unmodelled, fail, none_left, ok, option, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_OCTAL = re.compile(r"\\([0-7]{3})")
_FAILED, _USAGE = 32, 1


class Line(NamedTuple):
    source: str
    mount: str
    type: str
    options: list[str]


def fstab(host: LinuxHost) -> list[Line]:
    """The active lines of fstab(5), as libmount reads them."""
    lines = []
    for text in (host.read("/etc/fstab") or "").splitlines():
        fields = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), field) for field in text.split()]
        if len(fields) >= 3 and not fields[0].startswith("#"):
            lines.append(Line(fields[0], fields[1], fields[2], (fields[3:4] or ["defaults"])[0].split(",")))
    return lines


def same_target(host: LinuxHost, one: str, other: str) -> bool:
    return normal(one) == normal(other) or host.mounts.canonical(one) == host.mounts.canonical(other)


@tool("mount")
def mount(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    if taken(arguments, "--bind", "-B"):
        source, target = arguments
        return _bind(host, source, target)
    kind, given = option(arguments, "-t"), option(arguments, "-o")
    if len(arguments) == 2:
        source, target = arguments
        return do_mount(host, Line(source, target, kind or "auto", (given or "defaults").split(",")))
    (target,) = arguments
    found = [
        line for line in fstab(host) if line.mount.startswith("/") and same_target(host, line.mount, target)
    ]
    if not found:
        return fail(_USAGE, f"mount: {target}: can't find in /etc/fstab.")
    line = found[0]
    return do_mount(host, line._replace(options=line.options + (given.split(",") if given else [])))


def do_mount(host: LinuxHost, line: Line) -> CommandOutcome:
    """Mounts what the line names; the outcome of mount(8)."""
    target = host.mounts.canonical(line.mount)
    if any(host.mounts.dead(item) for item in host.mounts.trail(target)[:-1]):
        raise HangError
    if not Path(host.path(target)).is_dir():
        return fail(_FAILED, f"mount: {line.mount}: mount point does not exist.")
    if "bind" in line.options:
        return _bind(host, line.source, target)
    return _nfs(host, line, target) if line.type.startswith("nfs") else _device(host, line, target)


def _device(host: LinuxHost, line: Line, target: str) -> CommandOutcome:
    block = host.devices.find(line.source)
    if block is None and "=" in line.source:
        return fail(_USAGE, f"mount: {line.mount}: can't find {line.source}.")
    if block is None:
        return fail(_FAILED, f"mount: {line.mount}: special device {line.source} does not exist.")
    return _refused_device(host, line, block) or _add_device(host, line, target, block)


def _refused_device(host: LinuxHost, line: Line, block: Block) -> CommandOutcome | None:
    content = block.content
    wrong = f"mount: {line.mount}: wrong fs type, bad option, bad superblock on {block.node}."
    if not isinstance(content, Filesystem) or line.type not in (content.type, "auto"):
        return fail(_FAILED, wrong)
    if not host.devices.alive(block):
        return fail(_FAILED, f"mount: {line.mount}: can't read superblock on {block.node}.")
    if content.type == "xfs" and _clone_mounted(host, content, block.name):
        host.kernel_log.append(
            f"XFS ({block.name}): Filesystem has duplicate UUID {content.uuid} - can't mount"
        )
        return fail(_FAILED, wrong)
    return None


def _add_device(host: LinuxHost, line: Line, target: str, block: Block) -> CommandOutcome:
    assert isinstance(block.content, Filesystem)
    top = host.mounts.top(target)
    source = "/dev/mapper/" + block.mapped if block.logical else block.node
    if top and top.block is block:
        return fail(_FAILED, f"mount: {line.mount}: {source} already mounted on {target}.")
    new = Mount(0, 0, target, block.content.type, source, block=block)
    files = host.mounts.files_of(block, new)
    host.mounts.add(new, files)
    return ok()


def _clone_mounted(host: LinuxHost, content: Filesystem, name: str) -> bool:
    """XFS mounts no second filesystem of one UUID (xfs(5), nouuid)."""
    return any(
        isinstance(item.block.content, Filesystem)
        and item.block.content.uuid == content.uuid
        and item.block.name != name
        for item in host.mounts.table
        if item.block
    )


def _nfs(host: LinuxHost, line: Line, target: str) -> CommandOutcome:
    name, _, path = line.source.partition(":/")
    name = name or next((word[5:] for word in line.options if word.startswith("addr=")), "")
    address = host.address_of(name)
    if address is None:
        return fail(_FAILED, f"mount.nfs: Failed to resolve server {name}: Name or service not known")
    path, top = normal(path), host.mounts.top(target)
    if top and top.source == line.source:
        return fail(_FAILED, f"mount.nfs: {line.mount} is busy or already mounted")
    answer = host.site.ask(host, address, path)
    if answer == "silent":
        raise HangError(120.0) if "bg" in line.options else HangError
    if answer:
        return fail(_FAILED, f"mount.nfs: {answer} while mounting {line.source}")
    kind = "nfs" if "vers=3" in line.options or "nfsvers=3" in line.options else "nfs4"
    shown = f"rw,vers={3 if kind == 'nfs' else 4.2},hard,proto=tcp,addr={address}"
    new = Mount(0, 0, target, kind, line.source, address=address, path=path, super_options=shown)
    server = host.site.at(address)
    assert server
    host.mounts.add(new, host.mounts.copy(Path(server.path(server.nfsd.meant(path)))))
    server.nfsd.used(host, path)
    return ok()


def _bind(host: LinuxHost, source: str, target: str) -> CommandOutcome:
    real = host.mounts.canonical(source)
    below = host.mounts.walk(real)
    new = Mount(
        0, 0, target, below.type, below.source, block=below.block, address=below.address, path=below.path
    )
    new.borrowed, new.super_options = True, below.super_options
    new.root = normal("/" + os.path.relpath(real, below.mount))
    host.mounts.add(new, host.mounts.copy(Path(host.path(real))))
    return ok()


@tool("umount")
def umount(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    flags = taken(arguments, "-f", "-l", "-fl", "-lf", "--force", "--lazy")
    lazy = bool({"-l", "-fl", "-lf", "--lazy"} & flags)
    (target,) = arguments
    path = host.mounts.canonical(target)
    trail = host.mounts.trail(path)
    if any(host.mounts.dead(item) for item in trail[:-1]):
        raise HangError
    found = trail[-1]
    if found.mount != path:
        exists = Path(host.path(path)).exists()
        return fail(
            _FAILED, f"umount: {target}: " + ("not mounted." if exists else "no mount point specified.")
        )
    if host.mounts.dead(found) and not flags:
        raise HangError
    if not lazy and _busy(host, found):
        return fail(_FAILED, f"umount: {target}: target is busy.")
    host.mounts.remove(found)
    return ok()


def _busy(host: LinuxHost, found: Mount) -> bool:
    """Something is mounted below it, nfsd still has it exported, or a process holds it."""
    if host.mounts.under(found) or host.nfsd.holds(found):
        return True
    return any(inside(host.mounts.canonical(name), found.mount) for name in host.units.working_directories())


@tool("findmnt")
def findmnt(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    if not taken(arguments, "-J", "--json") or arguments:
        raise Unmodelled(f"findmnt {arguments}")
    rows = [
        {"target": m.mount, "source": m.source, "fstype": m.type, "options": m.options}
        for m in host.mounts.table
    ]
    return ok(json.dumps({"filesystems": rows}))


@tool("stat")
def stat(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    taken(arguments, "-f")
    option(arguments, "-c")
    path = host.mounts.canonical(arguments.pop())
    none_left("stat", arguments)
    if any(host.mounts.dead(item) for item in host.mounts.trail(path)):
        raise HangError
    trigger(host, path)
    trail = host.mounts.trail(path)
    if any(host.mounts.dead(item) for item in trail):
        raise HangError
    last = trail[-1]
    if last.type.startswith("nfs") and host.site.answer(host, last):
        return fail(1, f"stat: cannot read file system information for '{path}': Stale file handle")
    if not Path(host.path(path)).exists():
        return fail(1, f"stat: cannot read file system information for '{path}': No such file or directory")
    return ok({"nfs4": "nfs", "ext4": "ext2/ext3"}.get(last.type, last.type) + "\n")
