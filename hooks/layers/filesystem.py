"""The filesystem layer: the line in fstab and the mount, of the right device, of the right type, writable.

Functions with a `host` read it. Only `apply`, `release`, `_mount` and `_mount_with` change it.
"""

import errno
import os
import re
from glob import glob
from typing import Iterator, List, Optional

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host.host import CommandFailed, Host, refuse
from hooks.host.mounts import Mounted, mounted_on, mounts, swaps
from hooks.layers import fstab
from hooks.layers.devices import content, means, node, places, tags
from hooks.layers.fstab_lines import enter, entry, leave, lines_of, lines_with, satisfied
from hooks.layers.unmount import BUSY, unmount

NAME = "filesystem"


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when each is in fstab and mounted from its own device, read-write."""
    text = host.read(fstab.PATH) or ""
    top = {item.mount: _top(host, item) for item in spec.filesystems}
    faults = [fault for item in spec.filesystems for fault in [_fault(host, item, text)] if fault]
    facts = {mount: mounted.source if mounted else None for mount, mounted in top.items()}
    if spec.filesystems and not any(top.values()):
        return LayerFinding(ABSENT, "not mounted: " + ", ".join(sorted(top)), dict(facts))
    if faults:
        return LayerFinding(BROKEN, "; ".join(faults), dict(facts))
    return LayerFinding(
        PRESENT, "mounted: " + (", ".join(sorted(top)) or "nothing, as specified"), dict(facts)
    )


def _top(host: Host, filesystem: Filesystem) -> Optional[Mounted]:
    mounted = mounted_on(host, filesystem.mount)
    return mounted[-1] if mounted else None


def ours(host: Host, filesystem: Filesystem, mounted: Mounted) -> bool:
    """Whether this mount is of the filesystem, by its device. A disk that has gone is known by the name that
    the mount on the mount point has for it."""
    device, real = node(host, filesystem), host.real(mounted.source)
    if mounted.source in filesystem.aliases or (device is not None and real == device):
        return True
    mine = [(filesystem.type, mounted.source)] * bool(filesystem.iqns and not real)
    return any((top.type, top.source) in mine for top in mounted_on(host, filesystem.mount))


def _fault(host: Host, filesystem: Filesystem, text: str) -> str:
    mounted = _top(host, filesystem)
    if mounted is None:
        return filesystem.mount + " is not mounted"
    if not ours(host, filesystem, mounted):
        return "{}: found {}, expected {}".format(filesystem.mount, mounted.source, filesystem.device)
    if mounted.type != filesystem.type:
        return "{}: found type {}, expected {}".format(filesystem.mount, mounted.type, filesystem.type)
    if "ro" in mounted.options.split(",") or _shut_down(host, filesystem):
        text = "{}: mounted read-only or shut down after I/O errors, expected read-write; release, then apply"
        return text.format(filesystem.mount)
    if not satisfied(host, filesystem, fstab.best(text, lines_of(host, filesystem))):
        return "{}: fstab lacks `{}`".format(filesystem.mount, entry(host, filesystem))
    return ""


def _shut_down(host: Host, filesystem: Filesystem) -> bool:
    """Every call on an XFS that gave up answers EIO. This one asks the kernel's cache: it cannot hang."""
    try:
        os.stat(host.path(filesystem.mount))
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _by_mount(spec: ServerSpec) -> List[Filesystem]:
    """Each after the one that its mount point lies in."""
    return sorted(spec.filesystems, key=lambda item: item.mount)


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Enters each in fstab and mounts it; an unexpected device or filesystem there is refused."""
    refuse(refusals(host, spec))
    done = [item.mount + " entered in fstab" for item in spec.filesystems if enter(host, item)]
    mounted = [text for item in _by_mount(spec) for text in _mount(host, item)]
    # only then: a bind mount out of one filesystem may be of a folder in another one
    mounted += [text for item in spec.filesystems for text in _mount_with(host, item)]
    # with exports to come, the NFS layer has systemd read fstab and exports at once
    host.reload_due |= bool(done) and not (mounted and spec.exports)
    return done + mounted


def refusals(host: Host, spec: ServerSpec) -> List[str]:
    """Why these filesystems must not be mounted on this host as it is; a device that is not here yet is no
    reason."""
    return [text for item in spec.filesystems for text in _against(host, item)]


def _against(host: Host, filesystem: Filesystem) -> Iterator[str]:
    mount, mounted = filesystem.mount, _top(host, filesystem)
    if mounted and not ours(host, filesystem, mounted):
        text = "{}: found {} mounted there, expected {} or nothing; unmount it first"
        yield text.format(mount, mounted.source, filesystem.device)
    sources = fstab.active_sources(host.read(fstab.PATH) or "", mount)
    others = {source for source in sources if means(host, source, filesystem) is False}
    if others:
        text = "{}: fstab mounts {} there, expected {}; correct that line first"
        yield text.format(mount, ", ".join(sorted(others)), filesystem.device)
    if os.path.islink(host.path(mount)) or host.real(mount) not in (None, mount):
        yield "{}: found a symbolic link, expected a directory; give the spec the real path".format(mount)
    read_only = [] if mounted else [at.mount for at in mounts(host) if _is_read_only(host, filesystem, at)]
    if read_only:
        text = "{}: {} is mounted read-only at {}, and every mount of it would be; unmount that first"
        yield text.format(mount, filesystem.device, ", ".join(read_only))
    yield from clones(host, filesystem)
    if not mounted and (node(host, filesystem) or places(host, filesystem)):
        yield from other_content(host, filesystem)


def _is_read_only(host: Host, filesystem: Filesystem, mounted: Mounted) -> bool:
    """Whether this mount of it has the filesystem itself read-only: a bind mount may be so alone."""
    options = mounted.options.split(",")
    return "ro" in options and "rw" not in options and ours(host, filesystem, mounted)


def clones(host: Host, filesystem: Filesystem) -> Iterator[str]:
    """Of two filesystems with one UUID, the line of fstab may mount the wrong one."""
    if filesystem.iqns:
        rows = [row.split() for row in host.run("lsblk", "-rno", "KNAME,UUID").out.splitlines()]
        uuid, mine = str(filesystem.uuid).lower(), places(host, filesystem)
        names = {"/dev/" + row[0] for row in rows if [word.lower() for word in row[1:]] == [uuid]}
        if names - set(mine):
            text = "{}: {} has its UUID {} too, expected no clone here; detach that, or give it another UUID"
            yield text.format(filesystem.mount, ", ".join(sorted(names - set(mine))), uuid)


def other_content(host: Host, filesystem: Filesystem) -> Iterator[str]:
    """How what is on the device differs from the spec's filesystem, read from the disk itself.

    Raises CommandFailed when nothing could be read.
    """
    on_disk = content(host, filesystem)
    if filesystem.iqns and not on_disk:
        there = ["{} ({})".format(name, tags(host, name).get("UUID")) for name in places(host, filesystem)]
        text = "{}: found UUIDs on {}, expected {}; nothing was mounted, correct the spec"
        yield text.format(filesystem.mount, ", ".join(there), filesystem.uuid)
        return
    if not on_disk:
        raise CommandFailed(
            "{}: nothing could be read from it, expected {}".format(filesystem.device, filesystem.type)
        )
    for key, expected in (("TYPE", filesystem.type), ("UUID", filesystem.uuid)):
        if expected and on_disk.get(key, "").lower() != expected.lower():
            text = "{}: found {} {!r} on it, expected {!r}; nothing was mounted, correct the spec"
            yield text.format(filesystem.device, key, on_disk.get(key), expected)


def _mount(host: Host, filesystem: Filesystem) -> List[str]:
    if _top(host, filesystem):
        return []
    directory = host.path(filesystem.mount)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    hidden = len(os.listdir(directory))
    began = float((host.read("/proc/uptime") or "0").split()[0])
    try:
        host.run("mount", filesystem.mount, seconds=host.left())  # a log recovery of XFS happens in here
    except CommandFailed as error:
        raise CommandFailed(str(error) + _by_the_kernel(host, filesystem, began)) from None
    note = " (over {} entries of the directory itself, which are hidden now)".format(hidden) if hidden else ""
    return ["{} mounted{}".format(filesystem.mount, note)]


def _by_the_kernel(host: Host, filesystem: Filesystem, began: float) -> str:
    """mount(8) knows an error's number; the kernel's log has the cause."""
    from hooks.hints import kernel_log  # noqa: PLC0415 - where a mount failed alone

    device = os.path.basename(node(host, filesystem) or filesystem.device)
    return kernel_log.cause(host, device, began)


def _mount_with(host: Host, filesystem: Filesystem) -> List[str]:
    """The bind mounts out of it that fstab has; the service does not hang on them."""
    done, ours = [], lines_with(host, filesystem)
    for line in fstab.lines(host.read(fstab.PATH) or ""):
        if line.active and ours(line) and not mounted_on(host, line.mount):
            host.run("mount", line.mount, tolerate=BUSY)
            done.append(line.mount + " mounted")
    return done


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Unmounts each, wherever it is mounted, and takes its lines out of fstab; a process that holds on is
    ended. Raises HookError."""
    refuse(obstacles(host, spec))
    done = []
    for mounted in reversed(mounts(host)):
        if any(ours(host, item, mounted) or _bound(item, mounted) for item in spec.filesystems):
            unmount(host, mounted.mount)
            done.append(mounted.mount + " unmounted")
    edited = [item.mount + " commented out in fstab" for item in spec.filesystems if leave(host, item)]
    host.reload_due |= bool(edited)
    return done + edited


def obstacles(host: Host, spec: ServerSpec) -> List[str]:
    """What is mounted over or below the spec's mount points, and is not ours to unmount."""
    texts = []
    for item in spec.filesystems:
        mounted = _top(host, item)
        if mounted and not ours(host, item, mounted):
            texts.append("{}: found {}, expected {}".format(item.mount, mounted.source, item.device))
        below = [other.mount for other in mounts(host) if _inside(item, other) and not _bound(item, other)]
        known = [other.mount for other in spec.filesystems]
        below = [mount for mount in below if mount not in known]
        kept = _kept_by_kernel(host, item.mount) if mounted else []
        if kept:
            text = "{}: found in use by the kernel: {}; swapoff, losetup -d or unmount that first"
            texts.append(text.format(item.mount, ", ".join(kept)))
        if below:
            text = "{}: found mounted below it: {}; unmount that first"
            texts.append(text.format(item.mount, ", ".join(below)))
    return texts


def _kept_by_kernel(host: Host, mount: str) -> List[str]:
    """Uses of its files that end with no process: swap, loop devices, layers of an overlay elsewhere."""

    def within(path: str) -> bool:
        return path.startswith(mount + "/")

    kept = ["swap on " + name for name in swaps(host) if within(name)]
    for name in sorted(glob(host.path("/sys/block/loop*/loop/backing_file"))):
        path = (host.read(os.path.relpath(name, host.root)) or "").rstrip("\n")
        kept += ["loop device /dev/{} of {}".format(name.split("/")[-3], path)] * within(path)
    for other in mounts(host):
        folders = re.findall("[^:,=]+", other.options) if other.type == "overlay" else []
        kept += ["overlay " + other.mount] * (any(map(within, folders)) and not within(other.mount))
    return kept


def _inside(filesystem: Filesystem, mounted: Mounted) -> bool:
    return mounted.mount.startswith(filesystem.mount + "/")


def _bound(filesystem: Filesystem, mounted: Mounted) -> bool:
    """A bind mount on one of its folders: nothing but another name for what is elsewhere."""
    return _inside(filesystem, mounted) and mounted.root != "/"
