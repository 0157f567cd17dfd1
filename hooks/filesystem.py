"""The filesystem layer: the line in fstab and the mount, of the right device, of the right type, writable."""

import errno
import os
import signal
from typing import Iterator, List, Optional

from hooks import fstab, textfile
from hooks.devices import means, tags
from hooks.fstab import Line
from hooks.holders import holders, listed, signal_all
from hooks.mountinfo import Mounted, mounted_on, mounts
from hooks.result import ABSENT, BROKEN, PRESENT, Finding
from hooks.runner import CommandFailed, Host, OutOfTime, refuse
from hooks.spec import Filesystem, ServerSpec

NAME = "filesystem"
MOUNT_SECONDS = 120.0  # a log recovery of XFS happens in here
UMOUNT_SECONDS = 60.0
POLITE_SECONDS = 10.0
_BUSY = {32: "busy or failed", 1: "not permitted or not mounted"}


def entry(filesystem: Filesystem, line: Optional[Line] = None) -> str:
    """The line of fstab, with the options of the site's own line; the check at boot is off because XFS
    recovers at mount (xfs_repair(8))."""
    options = filesystem.options.split(",")
    if line:
        own = [option for option in line.options.split(",") if option != "ro"]
        options = own + [option for option in options if option not in own + ["defaults"]]
    return "{} {} {} {} 0 0".format(filesystem.device, filesystem.mount, filesystem.type, ",".join(options))


def check(host: Host, spec: ServerSpec) -> Finding:
    """Present when each is in fstab and mounted from its own device, read-write."""
    text = host.read(fstab.PATH) or ""
    top = {item.mount: _top(host, item) for item in spec.filesystems}
    faults = [fault for item in spec.filesystems for fault in [_fault(host, item, text)] if fault]
    facts = {mount: found.source if found else None for mount, found in top.items()}
    if spec.filesystems and not any(top.values()):
        return Finding(ABSENT, "not mounted: " + ", ".join(sorted(top)), dict(facts))
    if faults:
        return Finding(BROKEN, "; ".join(faults), dict(facts))
    return Finding(PRESENT, "mounted: " + (", ".join(sorted(top)) or "nothing, as specified"), dict(facts))


def _top(host: Host, filesystem: Filesystem) -> Optional[Mounted]:
    found = mounted_on(host, filesystem.mount)
    return found[-1] if found else None


def _ours(host: Host, filesystem: Filesystem, found: Mounted) -> bool:
    device = host.real(filesystem.device)
    return found.source in filesystem.aliases or (device is not None and host.real(found.source) == device)


def _fault(host: Host, filesystem: Filesystem, text: str) -> str:
    found = _top(host, filesystem)
    if found is None:
        return filesystem.mount + " is not mounted"
    if not _ours(host, filesystem, found):
        return "{}: found {}, expected {}".format(filesystem.mount, found.source, filesystem.device)
    if found.type != filesystem.type:
        return "{}: found type {}, expected {}".format(filesystem.mount, found.type, filesystem.type)
    if "ro" in found.options.split(",") or _shut_down(host, filesystem):
        text = "{}: mounted read-only or shut down after I/O errors, expected read-write; release, then apply"
        return text.format(filesystem.mount)
    if not _satisfied(host, filesystem, fstab.best(text, _lines_of(host, filesystem))):
        return "{}: fstab lacks `{}`".format(filesystem.mount, entry(filesystem))
    return ""


def _shut_down(host: Host, filesystem: Filesystem) -> bool:
    """Every call on an XFS that gave up answers EIO. This one asks the kernel's cache: it cannot hang."""
    try:
        os.stat(host.path(filesystem.mount))
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _satisfied(host: Host, filesystem: Filesystem, line: Optional[Line]) -> bool:
    """An administrator's own line is good when it has at least the spec's options."""
    if line is None or not line.active or line.type not in (filesystem.type, "auto"):
        return False
    lacking = set(filesystem.options.split(",")) - set(line.options.split(",")) - {"defaults"}
    return not lacking and means(host, line.device, filesystem) is True


def _lines_of(host: Host, filesystem: Filesystem) -> fstab.Match:
    """Lines on the mount point whose device is the filesystem's. An active one that leads nowhere counts: it
    is of a filesystem that has gone, or of one that has not come yet."""

    def ours(line: Line) -> bool:
        if line.mount != filesystem.mount:
            return False
        found = means(host, line.device, filesystem)
        return found is not False if line.active else found is True

    return ours


def lines_with(host: Host, filesystem: Filesystem) -> fstab.Match:
    """Lines that cannot be mounted without it: bind mounts out of it, and its device elsewhere."""

    def ours(line: Line) -> bool:
        if "bind" in line.options.split(","):
            return (line.device + "/").startswith(filesystem.mount + "/")
        return line.mount != filesystem.mount and means(host, line.device, filesystem) is True

    return ours


def _by_mount(spec: ServerSpec) -> List[Filesystem]:
    """Each after the one that its mount point lies in."""
    return sorted(spec.filesystems, key=lambda item: item.mount)


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Enters each in fstab and mounts it; an unexpected device or filesystem there is refused."""
    refuse(refusals(host, spec))
    done = [item.mount + " entered in fstab" for item in spec.filesystems if _enter(host, item)]
    mounted = [text for item in _by_mount(spec) for text in _mount(host, item) + _mount_with(host, item)]
    # With exports to come, the NFS layer has systemd read fstab and exports at once: it takes seconds.
    if done and not (mounted and spec.exports):
        host.run("systemctl", "daemon-reload")
    return done + mounted


def refusals(host: Host, spec: ServerSpec) -> List[str]:
    """Why these filesystems must not be mounted on this host as it is; a device that is not here yet is no
    reason."""
    return [text for item in spec.filesystems for text in _against(host, item)]


def _against(host: Host, filesystem: Filesystem) -> Iterator[str]:
    mount, found = filesystem.mount, _top(host, filesystem)
    if found and not _ours(host, filesystem, found):
        text = "{}: found {} mounted there, expected {} or nothing; unmount it first"
        yield text.format(mount, found.source, filesystem.device)
    sources = fstab.active_sources(host.read(fstab.PATH) or "", mount)
    others = {source for source in sources if means(host, source, filesystem) is False}
    if others:
        text = "{}: fstab mounts {} there, expected {}; correct that line first"
        yield text.format(mount, ", ".join(sorted(others)), filesystem.device)
    if os.path.islink(host.path(mount)) or host.real(mount) not in (None, mount):
        yield "{}: found a symbolic link, expected a directory; give the spec the real path".format(mount)
    if not found and host.real(filesystem.device):
        yield from other_content(host, filesystem)


def other_content(host: Host, filesystem: Filesystem) -> Iterator[str]:
    """How what is on the device differs from the spec's filesystem, read from the disk itself."""
    found = tags(host, filesystem.device)
    if not found:
        raise CommandFailed(
            "{}: nothing could be read from it, expected {}".format(filesystem.device, filesystem.type)
        )
    for key, expected in (("TYPE", filesystem.type), ("UUID", filesystem.uuid)):
        if expected and found.get(key, "").lower() != expected.lower():
            text = "{}: found {} {!r} on it, expected {!r}; nothing was mounted, correct the spec"
            yield text.format(filesystem.device, key, found.get(key), expected)


def _enter(host: Host, filesystem: Filesystem) -> bool:
    ours, text = _lines_of(host, filesystem), host.read(fstab.PATH) or ""
    line = fstab.best(text, ours)
    if _satisfied(host, filesystem, line) and fstab.OFF not in text:
        return False
    wanted = entry(filesystem, line)
    return textfile.edit(host, fstab.PATH, lambda text: fstab.enable(fstab.restore(text), wanted, ours))


def _mount(host: Host, filesystem: Filesystem) -> List[str]:
    if _top(host, filesystem):
        return []
    directory = host.path(filesystem.mount)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    hidden = len(os.listdir(directory))
    host.run("mount", filesystem.mount, seconds=MOUNT_SECONDS)
    note = " (over {} entries of the directory itself, which are hidden now)".format(hidden) if hidden else ""
    return ["{} mounted{}".format(filesystem.mount, note)]


def _mount_with(host: Host, filesystem: Filesystem) -> List[str]:
    """The bind mounts out of it that fstab has; the service does not hang on them."""
    done, ours = [], lines_with(host, filesystem)
    for line in fstab.lines(host.read(fstab.PATH) or ""):
        if line.active and ours(line) and not mounted_on(host, line.mount):
            host.run("mount", line.mount, tolerate=_BUSY)
            done.append(line.mount + " mounted")
    return done


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Unmounts each, wherever it is mounted, and takes its lines out of fstab; a process that holds on is
    ended. Raises HookError."""
    refuse(obstacles(host, spec))
    done = []
    for found in reversed(mounts(host)):
        if any(_ours(host, item, found) or _bound(item, found) for item in spec.filesystems):
            _umount(host, found.mount)
            done.append(found.mount + " unmounted")
    edited = [item.mount + " commented out in fstab" for item in spec.filesystems if _leave(host, item)]
    if edited:
        host.run("systemctl", "daemon-reload")
    return done + edited


def obstacles(host: Host, spec: ServerSpec) -> List[str]:
    """What is mounted over or below the spec's mount points, and is not ours to unmount."""
    texts = []
    for item in spec.filesystems:
        found = _top(host, item)
        if found and not _ours(host, item, found):
            texts.append("{}: found {}, expected {}".format(item.mount, found.source, item.device))
        below = [other.mount for other in mounts(host) if _inside(item, other) and not _bound(item, other)]
        known = [other.mount for other in spec.filesystems]
        below = [mount for mount in below if mount not in known]
        if below:
            text = "{}: found mounted below it: {}; unmount that first"
            texts.append(text.format(item.mount, ", ".join(below)))
    return texts


def _inside(filesystem: Filesystem, found: Mounted) -> bool:
    return found.mount.startswith(filesystem.mount + "/")


def _bound(filesystem: Filesystem, found: Mounted) -> bool:
    """A bind mount on one of its folders: nothing but another name for what is elsewhere."""
    return _inside(filesystem, found) and found.root != "/"


def _leave(host: Host, filesystem: Filesystem) -> bool:
    ours, others = _lines_of(host, filesystem), lines_with(host, filesystem)
    return textfile.edit(
        host, fstab.PATH, lambda text: fstab.disable(fstab.disable(text, others, fstab.OFF), ours)
    )


def _umount(host: Host, mount: str) -> None:
    """umount, then TERM, then KILL for whoever holds it, in one time budget; never lazily, never forced.

    A lazy unmount would let a server's writes go on after the release was reported (umount(8)).
    """
    budget = min(UMOUNT_SECONDS, host.left())
    if _unmounted_within(host, mount, 1.0):
        return
    for number, seconds in ((signal.SIGTERM, POLITE_SECONDS), (signal.SIGKILL, budget - POLITE_SECONDS)):
        held = holders(host, mount)
        host.note("{}: {} to {}".format(mount, number.name, listed(held) or "nobody: /proc shows no holder"))
        signal_all(sorted(held), number)
        if _unmounted_within(host, mount, seconds):
            return
    left = listed(holders(host, mount)) or "the kernel: look for loop devices and swap on it"
    raise CommandFailed("{}: still mounted after {:.0f} s, held by {}".format(mount, budget, left))


def _unmounted_within(host: Host, mount: str, seconds: float) -> bool:
    try:
        host.wait(mount + " to be unmounted", lambda: _let_go(host, mount), seconds, every=0.5)
    except OutOfTime as error:
        host.note(str(error))
        return False
    return True


def _let_go(host: Host, mount: str) -> bool:
    if mounted_on(host, mount):
        host.run("umount", mount, tolerate=_BUSY)
    return not mounted_on(host, mount)
