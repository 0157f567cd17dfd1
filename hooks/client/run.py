"""One client's move to the present server: reach it, cut the dead mounts off, edit, mount, in that order."""

from typing import Dict, List, Set

from hooks.client import edit, memo, moves, witness
from hooks.client.cut import Cutter
from hooks.client.judgement import curable, ours
from hooks.client.lines.fstab import AUTOMAP, FSTAB, UNIT
from hooks.client.site_names import SERVICE, SiteNames
from hooks.client.view import ClientView, MountPoint, own_port, table
from hooks.contract.paths import inside
from hooks.host.host import CommandFailed, HookError, Host, OutOfTime
from hooks.host.mounts import Mounted

ANSWER_SECONDS = 10.0
REACH_SECONDS = 15.0
_MAPS_SECONDS = 2.0  # a reload of autofs is a signal: it reads its maps when that has come back
FOLLOW_SECONDS = 60.0  # for a name that follows the service, and for a mount of its address to answer again
RULES = "; look at the server's firewall and at the subnet's security rules"


def stale(view: ClientView, place: MountPoint) -> bool:
    """Whether a line of the place names a server that no longer serves."""
    return any(edit.stale(view, line) for line in place.lines)


def mounted_right(view: ClientView, place: MountPoint) -> bool:
    """Whether the place is mounted from the present server or the service, by the kernel's own word."""
    return (
        place.node is not None and ours(view, place, place.node) and view.right(view.node_owner(place.node))
    )


def answers(host: Host, places: List[MountPoint]) -> Dict[str, bool]:
    """Which of the mounts answer, by their points; all are tried at once."""
    points = [place.point for place in places]
    return witness.all_answer(host, points, ANSWER_SECONDS)


def laid_upon(view: ClientView) -> List[Mounted]:
    """What lay on a mount of the site's, or showed a part of it, when an earlier run was cut off."""
    points = {place.point for place in view.places + view.others}
    return [item for item in view.unfinished if item.mount not in points and view.lines_at(item.mount)]


def others_behind(view: ClientView) -> List[MountPoint]:
    """The mounts of the site's exports that site.toml does not name and that a former server has yet."""
    return [place for place in view.others if curable(view, place) and _behind(view, place)]


def _behind(view: ClientView, place: MountPoint) -> bool:
    former = place.node is not None and view.former(view.node_owner(place.node))
    return stale(view, place) or former or place.kept is not None


def has_own_port(place: MountPoint) -> bool:
    """Whether a line or the mount itself names another port than NFS over TCP has."""
    options = [line.options for line in place.lines] + ([place.node.options] if place.node else [])
    return any(own_port(text) for text in options)


class Run:
    """The move of everything that `view` shows to be moved. What fails is reported at the end, by HookError.

    The site's other mounts, which site.toml does not name, go along. One mount's trouble leaves the others
    to be moved.
    """

    def __init__(self, host: Host, view: ClientView) -> None:
        self._host = host
        self._view = view
        self._others = others_behind(view)
        self._done: List[str] = []
        self._errors: List[HookError] = []

    def move(self) -> List[str]:
        """No mount is touched before the present server's port answers. Then the dead mounts go first:
        `systemctl daemon-reload` blocks for 90 s while fstab names a hung mount, a shutdown up to 180."""
        moved, cutter = self._moved(), Cutter(self._host, self._view)
        self._reach(moved)
        lost = self._view.dependents([place.point for place in moved if place.node])
        lost += [item for item in laid_upon(self._view) if item not in lost]
        unwritten = [p.node for p in moved if p.node and not p.lines and not p.trigger]
        memo.keep(self._host, unwritten + [i for i in lost if self._view.lines_at(i.mount)])
        try:
            self._note(cutter.cut([place for place in moved if place.node]))
            self._note(cutter.cut_dependents(lost))
            self._edit_and_mount(moved, lost)
        finally:
            cutter.finish()
        return self._outcome()

    def _edit_and_mount(self, moved: List[MountPoint], lost: List[Mounted]) -> None:
        """What could not be cut off keeps its line too: the old server may yet come back to it."""
        held = self._held(moved)
        changed = [p for p in self._view.places + self._others if p not in held and stale(self._view, p)]
        self._done = edit.edit(self._host, self._view, changed) + self._done
        if self._view.spec.mode == "reboot":
            return
        early = self._reload_for_automounts(changed)
        self._note(moves.mount(self._host, self._view, [p for p in moved if p not in held]))
        self._note(moves.again(self._host, self._view, lost))
        self._reload(changed, early)

    def _note(self, result: "moves.MoveResult") -> None:
        self._done += result.done
        self._errors += result.errors

    def _outcome(self) -> List[str]:
        if not self._errors:
            memo.forget(self._host)
            return self._done
        late = any(isinstance(error, OutOfTime) for error in self._errors)
        kind = OutOfTime if late else CommandFailed
        raise kind("; ".join([str(error) for error in self._errors] + self._done))

    def _moved(self) -> List[MountPoint]:
        """The places to mount anew, and every other mount of the site's that lies below one that is cut."""
        view = self._view
        answer = self._answers_by_and_by()
        cut = [place for place in view.places if not answer.get(place.point)]
        cut += [p for p in self._others if (p.node or p.kept) and not mounted_right(view, p)]
        points = [place.point for place in cut if place.node]
        below = [p for p in view.places + view.others if p.node and p not in cut and inside(p.point, points)]
        return cut + below

    def _answers_by_and_by(self) -> Dict[str, bool]:
        """Which mounts of the present server answer; one of the service's address gets time to find it."""
        host, view = self._host, self._view
        right = [place for place in view.places if mounted_right(view, place)]
        answering = answers(host, right)
        end = host.now() + FOLLOW_SECONDS
        for place in right:
            follows = place.node is not None and view.node_owner(place.node) == SERVICE
            while follows and not answering[place.point] and host.now() < end:
                host.sleep(1.0)
                answering[place.point] = witness.answers(host, place.point, ANSWER_SECONDS)
        return answering

    def _reach(self, moved: List[MountPoint]) -> None:
        """No mount is cut off before its successor takes connections, by the name that the mount will use."""
        reached: Set[str] = set()
        for place in moved:
            server = edit.goes_to(self._view, place)
            if server in reached:
                continue
            reached.add(server)
            self._follow(place, server)
            if not has_own_port(place):
                self._host.reach(place.mount.mount, server, witness.PORT, REACH_SECONDS, RULES)

    def _follow(self, place: MountPoint, name: str) -> None:
        """Waits for the service's name to lead to the target on this client: caches keep it for its TTL."""
        names, spec, host = self._view.names, self._view.spec, self._host
        if names.owner(name) != SERVICE or not names.leads_elsewhere(name):
            return
        text = "{}: {} to lead to {} on this client (now it leads to {})"
        what = text.format(place.mount.mount, name, spec.server, names.leads_elsewhere(name))
        host.wait(what, lambda: not SiteNames(host, spec, [name]).leads_elsewhere(name), FOLLOW_SECONDS, 2.0)

    def _held(self, moved: List[MountPoint]) -> List[MountPoint]:
        """What could not be cut off, and stays as it was."""
        ids = {item.id for item in table(self._host)}
        return [place for place in moved if place.node is not None and place.node.id in ids]

    def _reload_for_automounts(self, changed: List[MountPoint]) -> bool:
        """Automounts mount what they read before: they read again first. True when systemd did."""
        tripped = [place for place in changed if moves.triggered(place)]
        maps = [place for place in tripped if any(line.kind == AUTOMAP for line in place.lines)]
        if maps:
            self._note(moves.reload(self._host, "reload", "autofs"))
            self._host.sleep(_MAPS_SECONDS)
        if len(maps) == len(tripped):
            return False
        self._note(moves.reload(self._host, "daemon-reload"))
        return True

    def _reload(self, changed: List[MountPoint], early: bool) -> None:
        """Last: mount(8) reads fstab itself, and no mount should wait for systemd to read it too."""
        if not early and any(line.kind in (FSTAB, UNIT) for place in changed for line in place.lines):
            self._note(moves.reload(self._host, "daemon-reload"))
