"""The new mount proven beside the old one: mounted elsewhere for a moment, compared, read and written."""

import os
import re
from typing import List

from hooks.client import edit, moves
from hooks.client.site_names import option
from hooks.client.view import ClientView, MountPoint
from hooks.host import places
from hooks.host.host import CommandFailed, HookRefused, Host
from hooks.host.mounts import Mounted

POINT = places.RUN + "/migrate"
SECONDS = 30.0
# this mount gives up where the client's own is to wait for ever
_PATIENCE = ["soft", "timeo=100", "retrans=2", "retry=0"]
# of mount(8), systemd.mount(5) and autofs(5), which say when and by whom; and what is set to _PATIENCE
_NOT_OURS = re.compile(
    r"(defaults|auto|noauto|user|users|nouser|owner|group|nofail|_netdev|bg|fg|hard|soft|softerr|comment|"
    r"x-.*|X-.*|timeo=.*|retrans=.*|retry=.*|fstype=.*|comment=.*)$"
)
_DENIED = {1: "not allowed"}
_DIFFERS = "{}: {} leads to another folder than {} does; look at the server's exports and its NFSv4 root"
_VERSION = "{}: {} is mounted with NFS {}, {} with NFS {}; write vers= into the line, then migrate"
_READ_ONLY = "{}: written through {}, and not through {}; look at the exports on the server"


def prove(host: Host, view: ClientView, place: MountPoint) -> None:
    """Returns when the place's new source can stand for its old one on this client.

    It is mounted with the line's own options at POINT, and is the same folder with the same NFS version; what
    is written there is read at the old mount. Nothing of it stays. Raises HookError.
    """
    line = place.lines[0]
    new = edit.after(view, line)
    host.run("mkdir", "-p", POINT, seconds=SECONDS)
    _clear(host)
    argv = ["mount", "-t", line.type, "-o", _options(new.options), new.source, POINT]
    try:
        host.run(*argv, seconds=SECONDS, remedy="; it was not touched")
        beside = moves.mount_at(host, POINT)
        if beside is None:
            raise CommandFailed("{}: mounted, but it is not there".format(POINT))
        if place.node is not None:
            _compare(host, place.point, place.node, beside)
        if "ro" not in beside.options.split(","):
            _write(host, place, beside)
    finally:
        _clear(host)


def _options(options: str) -> str:
    return ",".join([word for word in options.split(",") if word and not _NOT_OURS.match(word)] + _PATIENCE)


def _clear(host: Host) -> None:
    """Our own mount, and what a run that was cut off left of it."""
    while moves.mount_at(host, POINT) is not None:
        host.run("umount", POINT, seconds=SECONDS)


def _compare(host: Host, point: str, node: Mounted, beside: Mounted) -> None:
    versions = [option(item.options, "vers") for item in (node, beside)]
    if all(versions) and versions[0] != versions[1]:
        raise HookRefused(_VERSION.format(point, node.source, versions[0], beside.source, versions[1]))
    inodes = [host.run("stat", "-c", "%i", path, seconds=SECONDS).out.strip() for path in (point, POINT)]
    if inodes[0] != inodes[1]:
        raise HookRefused(_DIFFERS.format(point, beside.source, node.source))


def _write(host: Host, place: MountPoint, beside: Mounted) -> None:
    """A file of ours, synced; the old mount has the same bytes of it. Both may deny root (root_squash)."""
    made = _file(host, POINT)
    if not made:
        other = _file(host, place.point) if place.node is not None else ""
        if other and place.node is not None:
            host.run("rm", "-f", other, seconds=SECONDS)
            raise HookRefused(_READ_ONLY.format(place.point, place.node.source, beside.source))
        host.note("{}: root may not write there, so only reading is proven".format(place.point))
        return
    try:
        host.run("cp", "/proc/sys/kernel/random/uuid", made, seconds=SECONDS)
        host.run("sync", made, seconds=SECONDS)
        if place.node is not None:
            host.run("cmp", made, os.path.join(place.point, os.path.basename(made)), seconds=SECONDS)
    finally:
        host.run("rm", "-f", made, seconds=SECONDS)


def _file(host: Host, folder: str) -> str:
    """A new file's path; empty where root may not make one."""
    argv: List[str] = ["mktemp", "-p", folder, ".nfs-failover-XXXXXXXX"]
    return host.run(*argv, tolerate=_DENIED, seconds=SECONDS).out.strip()
