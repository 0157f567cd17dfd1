"""Cuts a client's dead mounts off: outer ones first.

A path below a dead mount cannot even be looked up: `umount -f -l /data/p` hangs in the kernel on its way
through /data. The outer mount goes first, and takes what lies below it off the tree too (umount(2),
MNT_DETACH).
"""

import threading
from typing import List

from hooks.client.mount_tree import NFS, OVERLAY
from hooks.client.moves import MoveResult, mount_at
from hooks.client.site_names import SEVERAL
from hooks.client.view import ClientView, MountPoint, table
from hooks.host.host import CommandFailed, HookError, Host
from hooks.host.mounts import Mounted
from hooks.host.processes import listed, users_of

CUT_SECONDS = 10.0
_DAEMON = "automount"  # holds the path open to serve it, which does not use the old mount
_POLL_SECONDS = 0.05


class Cutter:
    """Takes mounts off the tree, and goes on at once: that takes 0.2 s.

    A umount may have more to do. When no process holds the mount any more, it ends the file system, and
    waits for the dead server to take what was not written. `finish` ends that wait: what was not written
    must not reach the old server when it comes back.
    """

    def __init__(self, host: Host, view: ClientView) -> None:
        self._host = host
        self._view = view
        self._umounts: List[threading.Thread] = []

    def cut(self, places: List[MountPoint]) -> MoveResult:
        """Cuts each place off; what could not be taken off is an error, and the others go on."""
        done: List[str] = []
        errors: List[HookError] = []
        for place in sorted(places, key=lambda place: place.point):
            try:
                done += self._cut(place)
            except HookError as error:
                errors.append(error)
        return MoveResult(done, errors)

    def cut_dependents(self, lost: List[Mounted]) -> MoveResult:
        """A bind mount, or an overlay, outlives the mount that it was made of: it goes too,
        where fstab brings it back."""
        errors: List[HookError] = []
        for item in sorted(lost, key=lambda item: item.mount):
            mounted = mount_at(self._host, item.mount)
            if (
                mounted is None
                or mounted.id != item.id
                or item.type not in (*NFS, OVERLAY)
                or not self._view.lines_at(item.mount)
            ):
                continue
            try:
                self._cut_one(mounted)
            except HookError as error:
                errors.append(error)
        return MoveResult([], errors)

    def finish(self) -> None:
        """Returns when every umount has ended: by itself, or killed at its own deadline."""
        for thread in self._umounts:
            thread.join()

    def _cut(self, place: MountPoint) -> List[str]:
        mounted = mount_at(self._host, place.point)
        if mounted is None:
            return ["{} went with the mount that it lay on".format(place.point)] if place.node else []
        held = {pid: name for pid, name in users_of(self._host, place.point).items() if name != _DAEMON}
        names, first = listed(held), mounted.source
        while mounted is not None and self._is_the_sites(mounted):
            self._cut_one(mounted)
            mounted = mount_at(self._host, place.point)
        note = "; restart what still uses the old mount: " + names if names else ""
        return ["{} cut off from {}{}".format(place.point, first, note)]

    def _cut_one(self, mounted: Mounted) -> None:
        """Takes the uppermost mount off the tree."""
        errors: List[HookError] = []
        thread = threading.Thread(target=_umount, args=(self._host, mounted.mount, errors), daemon=True)
        thread.start()
        self._umounts.append(thread)
        while thread.is_alive() and self._is_there(mounted):
            thread.join(_POLL_SECONDS)
        if not self._is_there(mounted):
            return
        thread.join()
        if self._is_there(mounted):
            text = "{}: umount ended well, but it is still mounted"
            raise errors[0] if errors else CommandFailed(text.format(mounted.mount))

    def _is_the_sites(self, mounted: Mounted) -> bool:
        """What lies below an NFS mount on the same mount point may be another disk."""
        return mounted.type in NFS and self._view.node_owner(mounted) not in ("", SEVERAL)

    def _is_there(self, mounted: Mounted) -> bool:
        """Read twice before it counts as gone: a table that changes while it is read may lack an entry."""
        return any(mounted.id in [item.id for item in table(self._host)] for _ in range(2))


def _umount(host: Host, point: str, errors: List[HookError]) -> None:
    try:
        host.run("umount", "-f", "-l", point, seconds=CUT_SECONDS)
    except HookError as error:
        errors.append(error)
        host.note("{}; what counts is whether the mount is off the tree".format(error))
