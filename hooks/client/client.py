"""The client layer: moves NFS mounts from a former server to the present; never waits on a dead mount.

Functions with a `host` read it; `check` and `look` walk into an automount, which may mount it. Only `apply`
(run.py) and `release` change what is mounted and the files that name it. Functions without a `host` judge.
"""

from typing import Dict, List, NamedTuple

from hooks.client import containers, edit, mount_tree, moves, witness
from hooks.client.judgement import hidden, refusals, warnings
from hooks.client.lines.fstab import FSTAB
from hooks.client.run import (
    ANSWER_SECONDS,
    RULES,
    Run,
    answers,
    has_own_port,
    laid_upon,
    mounted_right,
    others_behind,
    stale,
)
from hooks.client.view import ClientView, MountPoint
from hooks.contract.client_spec import TO_SERVICE, ClientSpec
from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.host.host import CommandFailed, HookRefused, Host
from hooks.host.processes import listed, users_of

NAME = "client"
UMOUNT_SECONDS = 30.0


class ClientState(NamedTuple):
    """A client as it is now, and which of its mounts from the present server answer."""

    view: ClientView
    answers: Dict[str, bool]


def check(host: Host, spec: ClientSpec) -> LayerFinding:
    """Present when lines and kernel both name the present server or the service, and it answers in time.

    Facts: each mount point's source; `addresses`, the server's address of each as the kernel has it;
    `refusals` and `warnings`, lists of text; `reboot_required`.
    """
    return _finding(host, _look(host, spec))


def look(host: Host, spec: ClientSpec) -> LayerFinding:
    """The check, with the fact `servers`: which servers of the site this client gets answers from."""
    state = _look(host, spec)
    finding = _finding(host, state)
    facts = dict(finding.facts, servers=witness.servers(host, state.view, state.answers))
    return finding._replace(facts=facts)


def _look(host: Host, spec: ClientSpec) -> ClientState:
    view = ClientView(host, spec)
    for place in view.places:
        _trip(host, view, place)
    if any(moves.triggered(place) and place.node is None for place in view.places):
        view = ClientView(host, spec)
    return ClientState(view, answers(host, [place for place in view.places if mounted_right(view, place)]))


def _trip(host: Host, view: ClientView, place: MountPoint) -> None:
    """An automount that waits is walked into, where that leads to the present server."""
    lines = place.lines
    if place.node is None and moves.triggered(place) and lines and not stale(view, place):
        witness.answers(host, place.point, ANSWER_SECONDS)


def _finding(host: Host, state: ClientState) -> LayerFinding:
    view = state.view
    faults = [text for place in view.places for text in [_fault(host, state, place)] if text]
    faults += [_fault_of_other(view, place) for place in others_behind(view)]
    faults += [item.mount + ": an earlier run did not mount it again" for item in laid_upon(view)]
    facts: Dict[str, object] = {place.mount.mount: _source(place) for place in view.places}
    facts["addresses"] = {
        place.mount.mount: mount_tree.address_of(place.node) for place in view.places if place.node
    }
    behind, refused = any(stale(view, place) for place in view.places), refusals(view)
    facts["reboot_required"] = view.spec.mode == "reboot" and bool(faults) and not behind and not refused
    facts.update(refusals=refused, warnings=warnings(view) + containers.warnings(host, view))
    sources = [place.node.source for place in view.places if place.node]
    if not faults:
        return LayerFinding(PRESENT, "mounted: " + ", ".join(sources), facts)
    return LayerFinding(BROKEN if sources else ABSENT, "; ".join(faults), facts)


def _source(place: MountPoint) -> object:
    return place.node.source if place.node else None


def _fault(host: Host, state: ClientState, place: MountPoint) -> str:
    view, node, where = state.view, place.node, place.mount.mount
    wanted = "{}:{}".format(_aimed_at(view), place.mount.path)
    if stale(view, place) or (node is None and not place.lines):
        lines = ", ".join(line.source for line in place.lines) or "no line"
        file = place.lines[0].file if place.lines and place.lines[0].kind != FSTAB else "fstab"
        return "{}: {} has {}, expected {}".format(where, file, lines, wanted)
    if node is None:
        return _not_there(view, place)
    if not mounted_right(view, place):
        return "{}: mounted from {}, expected {}".format(where, _named(view, place), wanted)
    return "" if state.answers.get(place.point) else _does_not_answer(host, view, place)


def _aimed_at(view: ClientView) -> str:
    """What a line should name, for a person."""
    service = view.spec.service[:1] if view.spec.aim == TO_SERVICE else ()
    return service[0] if service else view.spec.target.hostname


def _fault_of_other(view: ClientView, place: MountPoint) -> str:
    """A mount that site.toml does not name hangs like the others when its server is gone."""
    source = place.lines[0].source if place.lines else _named(view, place)
    wanted = "{}:{}".format(_aimed_at(view), place.mount.path)
    return "{} (not in the site file): found {}, expected {}".format(place.point, source, wanted)


def _named(view: ClientView, place: MountPoint) -> str:
    """The source, with the server that the kernel really asks where the name has moved on."""
    if place.node is None:
        return "no mount"
    owner, address = view.node_owner(place.node), mount_tree.address_of(place.node)
    named = view.names.of_line(place.node.source, "")
    return place.node.source + (" ({} at {})".format(owner, address) if named != owner and owner else "")


def _not_there(view: ClientView, place: MountPoint) -> str:
    under = hidden(view, place.point)
    if not under:
        return "{} is not mounted".format(place.mount.mount)
    over = mount_tree.top(view.table, place.point)
    text = "{}: {} is hidden below {}, which was mounted over it"
    return text.format(place.mount.mount, under[-1].source, over.mount if over else "/")


def _does_not_answer(host: Host, view: ClientView, place: MountPoint) -> str:
    server = edit.goes_to(view, place)
    reason = "" if has_own_port(place) else host.connect(server, witness.PORT)
    why = ": port {}: {}{}".format(witness.PORT, reason, RULES) if reason else ""
    return "{}: {} does not answer{}".format(place.mount.mount, server, why)


def apply(host: Host, spec: ClientSpec) -> List[str]:
    """Moves every mount to its present server; in mode "reboot" the reboot mounts it. Raises HookError."""
    view = ClientView(host, spec)
    refused = refusals(view)
    if refused:
        raise HookRefused("; ".join(refused))
    return Run(host, view).move()


def release(host: Host, spec: ClientSpec) -> List[str]:
    """Unmounts politely, inner mounts first, for a planned switch; lines stay as they are.

    Raises CommandFailed, with the processes, while a process uses a mount.
    """
    done = []
    view = ClientView(host, spec)
    for place in sorted(view.places, key=lambda place: place.point, reverse=True):
        while moves.mount_at(host, place.point):
            try:
                host.run("umount", place.point, seconds=UMOUNT_SECONDS)
            except CommandFailed as error:
                held = listed(users_of(host, place.point)) or "no process that /proc shows"
                raise CommandFailed("{}; held by {}".format(error, held)) from None
            done.append(place.point + " unmounted")
    return done
