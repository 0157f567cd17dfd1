"""Whether a client's mounts can be moved: what the run would refuse, and what else to know. One judgement."""

from typing import List, Optional

from hooks.client import mount_tree
from hooks.client.lines import mount_units
from hooks.client.lines.fstab import FSTAB, UNIT, MountLine
from hooks.client.mount_tree import AUTOFS, NFS
from hooks.client.site_names import SEVERAL, is_address, source_of
from hooks.client.view import ClientView, MountPoint, bound
from hooks.contract.paths import inside
from hooks.host.mounts import Mounted

_NO_LINE = (
    "{}: no line of /etc/fstab, no mount unit and no autofs map has it, expected one of {}; add the line"
)
_BY_HAND = "{}: {} was mounted by hand; add a line to /etc/fstab, or the next boot will not mount it"
_AUTOFS = (
    "{}: comes from the autofs map {}, and no map that /etc/auto.master names by a file's full path has an "
    "entry for it; change the map where it is kept"
)
_NOT_EXPORTED = "{}: {} lies in no export of the stack; see that every server exports it, or correct the path"
_HIDDEN = "{}: {} lies hidden below {}, which was mounted over it; mount the outer one first, at boot too"


def refusals(view: ClientView) -> List[str]:
    """Why the run would not touch this client: each with what was found, what was expected, the remedy."""
    return [text for place in view.places for text in _refused(view, place)]


def expected(view: ClientView, place: MountPoint) -> str:
    """The sources that the place may have, for a person."""
    names = [server.hostname for server in view.spec.servers]
    return ", ".join("{}:{}".format(name, place.mount.path) for name in names + list(view.spec.service))


def _refused(view: ClientView, place: MountPoint) -> List[str]:
    reasons = [text for line in place.lines for text in [_refused_line(view, place, line)] if text]
    for layer in mount_tree.layers(view.table, place.point):
        if layer.type != AUTOFS and not ours(view, place, layer):
            text = "{}: found {} mounted there, expected one of: {}; unmount it first"
            reasons.append(text.format(place.point, layer.source, expected(view, place)))
    if not place.lines:
        reasons += _refused_without(view, place)
    elif (
        view.spec.mode == "reboot" and not place.trigger and all(_only_by_hand(line) for line in place.lines)
    ):
        text = "{}: {} has noauto, so a reboot would not mount it; mount it without one (--clients remount)"
        reasons.append(text.format(place.point, place.lines[0].file))
    return reasons


def ours(view: ClientView, place: MountPoint, node: Optional[Mounted]) -> bool:
    """Whether this mount is the place's export of one of the site's servers."""
    if node is None or node.type not in NFS or view.node_owner(node) in ("", SEVERAL):
        return False
    return place.mount.path in view.paths(node.source) and node.root == "/"


def _refused_line(view: ClientView, place: MountPoint, line: MountLine) -> str:
    if line.fixed and not line.source:
        return "{}: comes from {}; {}".format(place.point, line.file, line.fixed)
    owner = view.line_owner(line)
    if line.type not in NFS or owner in ("", SEVERAL) or place.mount.path not in view.paths(line.source):
        text = "{}: {} has {}{}, expected one of: {}; {}"
        why = _why(view, line, owner)
        remedy = line.fixed if line.fixed and not owner else "correct that line or the site file"
        return text.format(place.point, line.shown_file, line.source, why, expected(view, place), remedy)
    if line.fixed and not view.right(owner):
        return "{}: {} names {}; {}".format(place.point, line.file, line.source, line.fixed)
    return ""


def _why(view: ClientView, line: MountLine, owner: str) -> str:
    source = source_of(line.source)
    if line.type not in NFS:
        return " of type " + line.type
    if owner == SEVERAL:
        return ", which resolves to several servers of the site"
    if (
        source
        and not owner
        and source.host
        and not is_address(source.host)
        and not view.names.addresses.get(source.host)
    ):
        return ", whose host does not resolve on this client"
    return ""


def _refused_without(view: ClientView, place: MountPoint) -> List[str]:
    if place.trigger is not None and not mount_units.automounted(place.trigger.source):
        return [_AUTOFS.format(place.point, place.trigger.source)]
    if place.kept is not None:
        return []
    if place.node is None:
        return [_NO_LINE.format(place.point, expected(view, place))]
    if view.spec.mode == "reboot":
        return [_BY_HAND.format(place.point, place.node.source)]
    return []


def _only_by_hand(line: MountLine) -> bool:
    return line.kind == FSTAB and line.has("noauto") and not line.has("x-systemd.automount")


def hidden(view: ClientView, point: str) -> List[Mounted]:
    """The NFS mounts on this point that no path leads to."""
    mounted = mount_tree.mounted_at(view.table, point)
    return [] if mounted else [item for item in view.nfs if item.mount == point]


def curable(view: ClientView, place: MountPoint) -> bool:
    """Whether an unlisted place may be moved with the others: the site's export, on lines to be edited."""
    fixed = any(line.fixed and view.former(view.line_owner(line)) for line in place.lines)
    owners = [view.line_owner(line) for line in place.lines]
    owners += [view.node_owner(place.node)] if place.node else []
    owners += [view.names.of_mount(place.kept)] if place.kept else []
    sources = [line.source for line in place.lines] + ([place.node.source] if place.node else [])
    plain = all(line.type in NFS for line in place.lines) and not (place.trigger and not place.lines)
    known = all(owner not in ("", SEVERAL) for owner in owners)
    return plain and known and not fixed and all(view.exported(source) for source in sources)


def warnings(view: ClientView) -> List[str]:
    """What an operator should know of this client beforehand, although it stops no run."""
    texts = [text for place in view.places for text in _warned(view, place)]
    texts += [_warned_other(view, place) for place in view.others]
    points = [place.point for place in view.places + view.others]
    return texts + [_warned_dependent(view, item) for item in view.dependents(points)]


def _warned(view: ClientView, place: MountPoint) -> List[str]:
    texts = [] if _exported(view, place) else [_NOT_EXPORTED.format(place.point, place.mount.path)]
    if place.node is not None and not place.lines and not place.trigger:
        texts.append(_BY_HAND.format(place.point, place.node.source))
    if len(place.lines) > 1:
        files = ", ".join(sorted({line.file for line in place.lines}))
        texts.append(
            "{}: found {} lines for it in {}, expected one".format(place.point, len(place.lines), files)
        )
    for line in place.lines:
        if line.fixed and view.right(view.line_owner(line)) and line.source:
            texts.append("{}: {} could not be moved: {}".format(place.point, line.file, line.fixed))
    texts += [text for line in place.lines for text in [_renamed(view, line)] if text]
    for item in hidden(view, place.point):
        over = mount_tree.top(view.table, place.point)
        texts.append(_HIDDEN.format(place.point, item.source, over.mount if over else "/"))
    return texts


def _exported(view: ClientView, place: MountPoint) -> bool:
    """A stack may leave the exports to a file of the servers' own; then there is no list to look it up in."""
    return not view.spec.exports or inside(place.mount.path, list(view.spec.exports))


def _renamed(view: ClientView, line: MountLine) -> str:
    """A name that gives way to an address works, and surprises whoever reads the line afterwards."""
    source, server = source_of(line.source), view.spec.target.hostname
    if not source or not source.host or is_address(source.host) or not view.former(view.line_owner(line)):
        return ""
    called = view.names.target_as(source.host)
    text = "{}: {} does not lead to {} on this client: the line will name it by its address {}"
    return text.format(line.mount, server, view.spec.server, called) if is_address(called) else ""


def _warned_other(view: ClientView, place: MountPoint) -> str:
    line, node = place.lines[:1], place.node
    source = line[0].source if line else node.source if node else ""
    where = "{} in {}".format(source, line[0].file) if line else "{}, mounted by hand".format(source)
    does = (
        "a run moves it too"
        if curable(view, place)
        else "no run moves it: it is no export of the site's spec"
    )
    if line and line[0].fixed:
        does = "no run moves it: " + line[0].fixed
    return "{}: the site file does not name this mount ({}); {}".format(place.point, where, does)


def _warned_dependent(view: ClientView, item: Mounted) -> str:
    lines = [line for line in view.lines_at(item.mount) if line.kind in (FSTAB, UNIT)]
    kind = (
        "a bind mount of {}".format(item.source) if item.root != "/" or bound(tuple(lines)) else item.source
    )
    text = "{}: {} goes away with the old server's mount; {}"
    if any(line.kind == FSTAB for line in lines):
        return text.format(item.mount, kind, "a run mounts it again, as fstab has it")
    return text.format(item.mount, kind, "no line of fstab brings it back: restart what made it")
