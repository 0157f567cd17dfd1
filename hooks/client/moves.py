"""Mounts a client's places from the target: outer ones first, by fstab, a unit, an automount or by hand."""

import re
from itertools import count
from typing import List, NamedTuple, Optional

from hooks.client import mount_tree
from hooks.client.edit import after, new_source
from hooks.client.lines import mount_units
from hooks.client.lines.fstab import AUTOMAP, FSTAB, MountLine
from hooks.client.mount_tree import AUTOFS
from hooks.client.view import ClientView, MountPoint, table
from hooks.host.host import CommandFailed, HookError, Host
from hooks.host.mounts import Mounted

MOUNT_SECONDS = 90.0
FOLDER_SECONDS = 15.0
TOUCH_SECONDS = 60.0
_RESTART_AT = 3  # of the attempts to walk into an automount, a second apart
_NOT_YET = {1: "not mounted yet"}
RELOAD_SECONDS = 30.0
_NO_FOLDER = re.compile(r"mount point .*does not exist")
# what mount.nfs adds by itself or the kernel only shows (nfs(5), proc_pid_mounts(5))
_SHOWN_ONLY = (
    "addr",
    "clientaddr",
    "mountaddr",
    "mountvers",
    "mountport",
    "mountproto",
    "namlen",
    "local_lock",
)


class MoveResult(NamedTuple):
    """What was done, and what failed while the rest went on."""

    done: List[str]
    errors: List[HookError]


def mount_at(host: Host, point: str) -> Optional[Mounted]:
    """What is mounted there now as users see it; None without a mount, or with an automount that waits."""
    mounted = mount_tree.mounted_at(table(host), point)
    return None if mounted is None or mounted.type == AUTOFS else mounted


def mount(host: Host, view: ClientView, places: List[MountPoint]) -> MoveResult:
    """Mounts each place from the target; one that fails leaves the others to go on."""
    done: List[str] = []
    errors: List[HookError] = []
    for place in sorted(places, key=lambda place: place.point):
        try:
            _mount(host, view, place)
            mounted = mount_at(host, place.point)
            done.append("{} mounted from {}".format(place.point, mounted.source if mounted else "the target"))
        except HookError as error:
            errors.append(error)
    return MoveResult(done, errors)


def _mount(host: Host, view: ClientView, place: MountPoint) -> None:
    if triggered(place):
        _walk_in(host, place)
        return
    line = next((line for line in place.lines if line.kind != AUTOMAP), None)
    if line is not None and line.kind == FSTAB:
        _mounted(host, place.point, ["mount", line.spelled])
    else:
        _mounted(host, place.point, _argv(view, place, line))


def _walk_in(host: Host, place: MountPoint) -> None:
    """Until the automount has mounted it.

    autofs reads its maps beside us. Who walked in before it had, met the dead server; autofs then refuses
    everybody for a minute (autofs.conf(5), negative_timeout), a reload or not, and only a restart forgets
    that: it leaves mounts that are in use, and finds them again.
    """
    end = host.now() + TOUCH_SECONDS
    maps = any(line.kind == AUTOMAP for line in place.lines)
    for attempt in count(1):
        out = host.run("stat", "-f", "-c", "%T", place.point, tolerate=_NOT_YET, seconds=TOUCH_SECONDS)
        if mount_at(host, place.point) is not None:
            return
        if host.now() >= end:
            text = "{}: its automount did not mount it ({}); look into the journal of autofs or of systemd"
            raise CommandFailed(text.format(place.point, " ".join(out.err.split()) or "no error"))
        if maps and attempt == _RESTART_AT:
            reload(host, "restart", "autofs")
        host.sleep(1.0)


def triggered(place: MountPoint) -> bool:
    """Whether it is mounted by whoever walks there: an automount unit's, or one of autofs."""
    units = place.trigger is not None and mount_units.automounted(place.trigger.source)
    if units and place.trigger is not None:
        return place.trigger.mount == place.point
    return place.trigger is not None and any(line.kind == AUTOMAP for line in place.lines)


def _argv(view: ClientView, place: MountPoint, line: Optional[MountLine]) -> List[str]:
    """A mount unit's mount, or one by hand, in words of mount(8)."""
    node = place.node or place.kept
    if line is not None:
        kind, (source, options) = line.type, after(view, line)
    elif node is not None:
        kind, source, options = node.type, new_source(view, node.source), _kept(view, node)
    else:
        raise CommandFailed("{}: no line says how to mount it".format(place.point))
    return ["mount", "-t", kind] + (["-o", options] if options else []) + [source, place.point]


def _kept(view: ClientView, node: Mounted) -> str:
    """The options that a mount by hand had; the address only where its source has no host."""
    words = [word for word in node.options.split(",") if word.split("=")[0] not in _SHOWN_ONLY]
    words = sorted(set(words), key=words.index)
    if node.source.startswith(":"):
        words.append("addr=" + view.names.target_as(mount_tree.address_of(node)))
    return ",".join(words)


def _mounted(host: Host, point: str, argv: List[str]) -> None:
    """A folder that the target lacks is made: the mount on it is what users see, not the folder."""
    try:
        host.run(*argv, seconds=MOUNT_SECONDS)
    except CommandFailed as error:
        if not _NO_FOLDER.search(str(error)):
            raise
        host.run("mkdir", "-p", point, seconds=FOLDER_SECONDS)
        host.run(*argv, seconds=MOUNT_SECONDS)


def again(host: Host, view: ClientView, lost: List[Mounted]) -> MoveResult:
    """Mounts again what lay on the places, or showed a part of them, where fstab has a line for it."""
    done: List[str] = []
    errors: List[HookError] = []
    for item in sorted(lost, key=lambda item: item.mount):
        line = next((line for line in view.lines_at(item.mount) if line.kind == FSTAB), None)
        if line is None:
            done.append("{} ({}) is gone: restart what made it".format(item.mount, item.source))
            continue
        try:
            _mounted(host, item.mount, ["mount", line.spelled])
            done.append(item.mount + " mounted again")
        except HookError as error:
            errors.append(error)
    return MoveResult(done, errors)


def reload(host: Host, *what: str) -> MoveResult:
    """Has systemd, or autofs, read the files again.

    `daemon-reload` waits for every hung mount of the host, also for mounts of other servers. The files
    are right by then, so a reload that does not end is reported, and does not fail the step.
    """
    try:
        host.run("systemctl", *what, seconds=RELOAD_SECONDS)
    except HookError as error:
        text = "{}; look for another mount that hangs, then run `systemctl {}`"
        return MoveResult([text.format(error, " ".join(what))], [])
    return MoveResult([], [])
