"""The filesystem layer: the line in fstab and the mount, of the right device, of the right type, writable."""

import errno
import os
import signal
from typing import List, Optional

from hooks import fstab, textfile
from hooks.holders import holders, listed, signal_all
from hooks.mountinfo import Mounted, mounted_below, mounted_on
from hooks.result import ABSENT, BROKEN, PRESENT, Finding
from hooks.runner import CommandFailed, Host, OutOfTime, Refused
from hooks.spec import Filesystem, ServerSpec

NAME = "filesystem"
MOUNT_SECONDS = 120.0  # a log recovery of XFS happens in here
UMOUNT_SECONDS = 60.0
POLITE_SECONDS = 10.0
_BUSY = {32: "busy or failed", 1: "not permitted or not mounted"}


def entry(filesystem: Filesystem) -> str:
    """The line of fstab; the check at boot is off because XFS recovers at mount (xfs_repair(8))."""
    return "{} {} {} {} 0 0".format(filesystem.device, filesystem.mount, filesystem.type, filesystem.options)


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
    if not _satisfied(filesystem, fstab.line_of(text, filesystem.aliases, filesystem.mount)):
        return "{}: fstab lacks `{}`".format(filesystem.mount, entry(filesystem))
    return ""


def _shut_down(host: Host, filesystem: Filesystem) -> bool:
    """Every call on an XFS that gave up answers EIO. This one asks the kernel's cache: it cannot hang."""
    try:
        os.stat(host.path(filesystem.mount))
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _satisfied(filesystem: Filesystem, line: Optional[str]) -> bool:
    """An administrator's own line is good when it has at least the spec's options."""
    fields = line.split() if line else []
    if len(fields) < 4 or fields[2] != filesystem.type:
        return False
    return set(filesystem.options.split(",")) <= set(fields[3].split(","))


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Enters each in fstab and mounts it; an unexpected device or filesystem there is refused."""
    for filesystem in spec.filesystems:
        _refuse_surprises(host, filesystem)
    done = [item.mount + " entered in fstab" for item in spec.filesystems if _enter(host, item)]
    mounted = [text for item in spec.filesystems for text in _mount(host, item)]
    # With exports to come, the NFS layer has systemd read fstab and exports at once: it takes seconds.
    if done and not (mounted and spec.exports):
        host.run("systemctl", "daemon-reload")
    return done + mounted


def _refuse_surprises(host: Host, filesystem: Filesystem) -> None:
    mount, found = filesystem.mount, _top(host, filesystem)
    if found and not _ours(host, filesystem, found):
        text = "{}: found {} mounted there, expected {} or nothing; unmount it first"
        raise Refused(text.format(mount, found.source, filesystem.device))
    others = set(fstab.active_sources(host.read(fstab.PATH) or "", mount)) - set(filesystem.aliases)
    if others:
        text = "{}: fstab mounts {} there, expected {}; correct that line first"
        raise Refused(text.format(mount, ", ".join(sorted(others)), filesystem.device))
    if os.path.islink(host.path(mount)):
        raise Refused("{}: found a symbolic link, expected a directory".format(mount))
    if not found:
        _refuse_other_content(host, filesystem)


def _refuse_other_content(host: Host, filesystem: Filesystem) -> None:
    """The device must hold the filesystem that the spec names, read from the disk itself (blkid(8), -p)."""
    out = host.run("blkid", "-p", "-o", "export", filesystem.device).out
    found = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    for key, expected in (("TYPE", filesystem.type), ("UUID", filesystem.uuid)):
        if expected and found.get(key, "").lower() != expected.lower():
            text = "{}: found {} {!r} on it, expected {!r}; nothing was mounted"
            raise Refused(text.format(filesystem.device, key, found.get(key), expected))


def _enter(host: Host, filesystem: Filesystem) -> bool:
    line = fstab.line_of(host.read(fstab.PATH) or "", filesystem.aliases, filesystem.mount)
    if _satisfied(filesystem, line):
        return False
    return textfile.edit(
        host, fstab.PATH, lambda text: fstab.enable(text, entry(filesystem), filesystem.aliases)
    )


def _mount(host: Host, filesystem: Filesystem) -> List[str]:
    if _top(host, filesystem):
        return []
    directory = host.path(filesystem.mount)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    hidden = len(os.listdir(directory))
    host.run("mount", filesystem.mount, seconds=MOUNT_SECONDS)
    note = " (over {} entries of the directory itself, which are hidden now)".format(hidden) if hidden else ""
    return ["{} mounted{}".format(filesystem.mount, note)]


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Unmounts each and takes its line out of fstab; a process that holds on is ended. Raises HookError."""
    done = []
    for filesystem in reversed(spec.filesystems):
        found = _top(host, filesystem)
        if found and not _ours(host, filesystem, found):
            raise Refused(
                "{}: found {}, expected {}".format(filesystem.mount, found.source, filesystem.device)
            )
        if found:
            _umount(host, filesystem.mount)
            done.append(filesystem.mount + " unmounted")
    edited = [item.mount + " commented out in fstab" for item in spec.filesystems if _leave(host, item)]
    if edited:
        host.run("systemctl", "daemon-reload")
    return done + edited


def _leave(host: Host, filesystem: Filesystem) -> bool:
    return textfile.edit(
        host, fstab.PATH, lambda text: fstab.disable(text, filesystem.aliases, filesystem.mount)
    )


def _umount(host: Host, mount: str) -> None:
    """umount, then TERM, then KILL for whoever holds it, in one time budget; never lazily, never forced.

    A lazy unmount would let a server's writes go on after the release was reported (umount(8)).
    """
    below = mounted_below(host, mount)
    if below:
        raise Refused("{}: found mounted below it: {}; unmount that first".format(mount, ", ".join(below)))
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
