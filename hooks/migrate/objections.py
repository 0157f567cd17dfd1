"""Why a client is not migrated, judged before anything on it is touched; `foresee` and `migrate` share it."""

from typing import Dict, List, Set, Tuple

from hooks.client import edit, judgement, witness
from hooks.client.lines.fstab import MountLine
from hooks.client.run import RULES, has_own_port, mounted_right, others_behind, stale
from hooks.client.site_names import SERVICE, SEVERAL, is_address, plain, source_of
from hooks.client.view import ClientView, MountPoint
from hooks.contract.client_spec import TO_SERVER, TO_SERVICE
from hooks.host.host import Host

_NO_ADDRESS = "the spec has no service address; set service_ip in the stack's variables and apply it first"
_BY_HAND = "{}: {} was mounted by hand; add a line to /etc/fstab, or nothing would mount it by the new name"
_BEHIND = "{}: mounted from {}, which does not serve now; bring it over first: `./inv clients run`"
_TWICE = "{}: mounted by two names, {}; mount it by one name on this client, then migrate"
_SILENT = "{}: {} port {} takes no connection: {}{}"


def objections(host: Host, view: ClientView) -> List[str]:
    """Each with what is there, what was expected, and the remedy."""
    if view.spec.aim == TO_SERVICE and not any(is_address(one) for one in view.spec.service):
        return [_NO_ADDRESS]
    texts = judgement.refusals(view)
    texts += [text for place in view.places for text in _of_mount(view, place)]
    return texts + _twice(view) + _unreached(host, view)


def to_migrate(view: ClientView) -> List[MountPoint]:
    """The places whose line or whose mount is not yet as the spec's aim has it.

    The site's mounts that site.toml does not name go along where a line has them.
    """
    listed = [p for p in view.places if stale(view, p) or (p.node and not mounted_right(view, p))]
    return listed + [place for place in others_behind(view) if place.lines]


def _of_mount(view: ClientView, place: MountPoint) -> List[str]:
    node = place.node
    if node is None:
        return []
    owner = view.node_owner(node)
    texts = []
    if owner not in ("", SEVERAL, SERVICE, view.spec.server):
        texts.append(_BEHIND.format(place.point, node.source))
    if not place.lines and not place.trigger:
        texts.append(_BY_HAND.format(place.point, node.source))
    return texts


def _twice(view: ClientView) -> List[str]:
    """Two names of one server are two mounts, with caches of their own: whoever wants that has a reason."""
    if view.spec.aim == TO_SERVER:
        return []
    named: Dict[str, Set[Tuple[str, str]]] = {}
    for place in view.places + view.others:
        for line in place.lines:
            path = view.exported(line.source)
            if path:
                named.setdefault(path, set()).add((_as_it_was(view, line), place.point))
    return [
        _TWICE.format(path, " and ".join("{} at {}".format(*one) for one in sorted(uses)))
        for path, uses in sorted(named.items())
        if len({name for name, _ in uses}) > 1
    ]


def _as_it_was(view: ClientView, line: MountLine) -> str:
    """The host that the line names, or named before an earlier run migrated it."""
    known = view.record.get((line.file, line.mount))
    source = source_of(known.source if known else line.source)
    return plain(source.host) if source else ""


def _unreached(host: Host, view: ClientView) -> List[str]:
    """Where the new lines lead, port 2049 takes a connection from this client."""
    texts = []
    tried: Set[str] = set()
    for place in to_migrate(view):
        name = edit.goes_to(view, place)
        if name in tried or has_own_port(place):
            continue
        tried.add(name)
        reason = host.connect(name, witness.PORT)
        if reason:
            texts.append(_SILENT.format(place.point, name, witness.PORT, reason, RULES))
    return texts
