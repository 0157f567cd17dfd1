"""Migrates a client: its lines at once, each mount that no process holds with them, the rest reported.

A mount is never unmounted by force, and no process is killed. A mount that is held keeps the old server's
address until somebody unmounts it; its line is right by then, and the same command goes on from there.
"""

from functools import partial
from typing import Dict, List, NamedTuple, Sequence

from hooks import walk
from hooks.client import client, containers, edit, memo, mount_tree, moves
from hooks.client.lines import record
from hooks.client.lines.fstab import AUTOMAP
from hooks.client.run import answers, mounted_right, stale
from hooks.client.view import ClientView, MountPoint
from hooks.contract.client_spec import FOLLOW, TO_SERVER, TO_SERVICE, ClientSpec
from hooks.contract.fields import SpecError
from hooks.contract.result import ABSENT, PRESENT, Facts, Layer
from hooks.contract.spec import Spec
from hooks.host.host import CommandFailed, HookError, HookRefused, Host
from hooks.host.processes import listed, users_of
from hooks.migrate.objections import objections, to_migrate
from hooks.migrate.proof import prove

_MAPS_SECONDS = 2.0  # as of a run: a reload of autofs is a signal
_DAEMON = "automount"  # holds the path open to serve it, which does not use the mount
_SHARED = "the client still uses {}: NFSv4 has one connection to a server, and {} keeps it"
_BACK = {TO_SERVICE: TO_SERVER, TO_SERVER: TO_SERVICE}


class Remounted(NamedTuple):
    """`waits`: by mount point, why the mount is still the old one."""

    done: List[str]
    errors: List[HookError]
    waits: Dict[str, str]


def foresee(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """What `migrate` would do. Present: it is done already; absent: it is not. Nothing is touched.

    Facts: `diff`, the lines before and after; `refusals`; `waits`, by mount point what holds it now;
    `warnings`. Raises SpecError.
    """
    return [walk.timed(host, client.NAME, partial(_foreseen, host, _checked(spec)))]


def migrate(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Proves the new mounts beside the old ones, edits the lines, mounts anew what nothing holds.

    Facts: `waits`, by mount point why it still is the old mount. Raises SpecError.
    """
    return [walk.timed(host, client.NAME, partial(_migrated, host, _checked(spec)))]


def _checked(spec: Spec) -> ClientSpec:
    if not isinstance(spec, ClientSpec) or spec.aim == FOLLOW:
        raise SpecError("migrate: expected a client's spec with the aim 'service' or 'server'")
    return spec


def _foreseen(host: Host, spec: ClientSpec) -> Layer:
    view = ClientView(host, spec)
    places = to_migrate(view)
    refusals = objections(host, view)
    facts: Facts = {
        "diff": edit.diff(host, view, places),
        "refusals": refusals,
        "waits": _held(host, view, _to_remount(view, places)),
        "warnings": containers.warnings(host, view),
    }
    state = ABSENT if places or refusals else PRESENT
    return Layer(client.NAME, state, False, 0.0, "; ".join(refusals), facts)


def _migrated(host: Host, spec: ClientSpec) -> Layer:
    view = ClientView(host, spec)
    refusals = objections(host, view)
    if refusals:
        raise HookRefused("; ".join(refusals))
    places = to_migrate(view)
    if not places and not view.kept:
        return Layer(client.NAME, PRESENT, False, 0.0, "nothing to do: it is migrated", {"waits": {}})
    silent = [point for point, answer in answers(host, [p for p in places if p.node]).items() if not answer]
    if silent:
        raise HookRefused("{}: no answer now; look at the server first".format(", ".join(silent)))
    for place in places:
        prove(host, view, place)
    changed = [place for place in places if stale(view, place)]
    done = _edit(host, view, changed)
    result = _remount(host, ClientView(host, spec))
    if result.errors:
        raise CommandFailed("; ".join([str(error) for error in result.errors] + done + result.done))
    waits = dict(_remaining(ClientView(host, spec)), **result.waits)
    texts = done + result.done + ["{} waits for a remount: {}".format(*one) for one in sorted(waits.items())]
    return Layer(client.NAME, PRESENT, bool(done or result.done), 0.0, "; ".join(texts), {"waits": waits})


def _edit(host: Host, view: ClientView, changed: List[MountPoint]) -> List[str]:
    """The lines, and whoever reads them to mount."""
    lines = [line for place in changed for line in place.lines if edit.stale(view, line)]
    if view.spec.aim == TO_SERVICE:
        record.keep(host, lines)
    done = edit.edit(host, view, changed)
    if view.spec.aim == TO_SERVER:
        record.forget(host, lines)
    notes: List[str] = []
    if any(line.kind == AUTOMAP for line in lines):
        notes += moves.reload(host, "reload", "autofs").done
        host.sleep(_MAPS_SECONDS)
    if any(line.kind != AUTOMAP for line in lines):
        notes += moves.reload(host, "daemon-reload").done
    return done + notes


def _to_remount(view: ClientView, places: List[MountPoint]) -> List[MountPoint]:
    return [place for place in places if place.node and not mounted_right(view, place)]


def _remount(host: Host, view: ClientView) -> Remounted:
    """What nothing holds, inner mounts off first. What an earlier run took off is mounted too."""
    moving = _to_remount(view, to_migrate(view))
    waits = _held(host, view, moving)
    taken_before = {item.mount for item in view.kept}
    unmounted = [p for p in view.places + view.others if p.node is None and p.point in taken_before]
    idle = [place for place in moving if place.point not in waits]
    memo.keep(host, [place.node for place in idle if place.node])
    off: List[MountPoint] = []
    for place in sorted(idle, key=lambda place: place.point, reverse=True):
        try:
            host.run("umount", place.point, seconds=client.UMOUNT_SECONDS)
            off.append(place)
        except CommandFailed as error:
            waits[place.point] = str(error)
    result = moves.mount(host, view, off + unmounted)
    errors = result.errors + [error for place in off for error in _put_back(host, view, place)]
    if all(moves.triggered(place) or moves.mount_at(host, place.point) for place in off + unmounted):
        memo.forget(host)
    return Remounted(result.done, errors, waits)


def _held(host: Host, view: ClientView, moving: List[MountPoint]) -> Dict[str, str]:
    """By mount point: the processes and the mounts that hold it, inner ones first."""
    waits: Dict[str, str] = {}
    idle = set()
    for place in sorted(moving, key=lambda place: place.point, reverse=True):
        above = [item.mount for item in view.table if place.node and item.parent == place.node.id]
        above = [mount for mount in above if mount not in idle]
        held = {pid: name for pid, name in users_of(host, place.point).items() if name != _DAEMON}
        reasons = ["held by {}".format(listed(held))] if held else []
        reasons += ["{} is mounted on it".format(", ".join(above))] if above else []
        if reasons:
            waits[place.point] = " and ".join(reasons)
        else:
            idle.add(place.point)
    return waits


def _put_back(host: Host, view: ClientView, place: MountPoint) -> List[HookError]:
    """A place that could not be mounted by its new name has its old line and its old mount again."""
    if moves.mount_at(host, place.point) is not None or moves.triggered(place):
        return []
    try:
        back = ClientView(host, view.spec._replace(aim=_BACK[view.spec.aim]))
        _edit(host, back, _at(back, place.point))
        back = ClientView(host, back.spec)
        errors = moves.mount(host, back, _at(back, place.point)).errors
    except (HookError, OSError) as error:
        errors = [CommandFailed("{}: neither mounted nor put back: {}".format(place.point, error))]
    return errors


def _at(view: ClientView, point: str) -> List[MountPoint]:
    return [place for place in view.places + view.others if place.point == point]


def _remaining(view: ClientView) -> Dict[str, str]:
    """What was mounted anew, and is asked by the old address all the same."""
    waits = {}
    for place in _to_remount(view, to_migrate(view)):
        address = mount_tree.address_of(place.node) if place.node else ""
        same = [item.mount for item in view.nfs if mount_tree.address_of(item) == address]
        keeper = ", ".join(sorted(set(same) - {place.point})) or "a mount in another mount namespace"
        waits[place.point] = _SHARED.format(address, keeper)
    return waits
