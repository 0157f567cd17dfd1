"""Whether the server of this client's mounts has gone, and which one serves in its place. Changes nothing.

Two things must come together: no address of the server that a mount has answers NFS, and exactly one other
server of the site answers it and exports the same path. A name of the service that leads to a server on this
client must lead to that one.
"""

from typing import Dict, List, NamedTuple, Sequence, Set

from hooks.client.run import has_own_port
from hooks.client.site_names import SERVICE, SEVERAL, is_address, option, plain, source_of
from hooks.client.view import ClientView, MountPoint
from hooks.contract.client_spec import KnownServer
from hooks.contract.paths import inside
from hooks.follow.nfs_call import NfsCalls

Paths = List[List[str]]  # each path by the ways to name it


class Verdict(NamedTuple):
    """`target`: the server that serves now; empty where that is not clear. `why`: in words."""

    target: str
    why: str


def in_use(view: ClientView) -> Dict[str, List[MountPoint]]:
    """The places of site.toml by the server that each is mounted from, or is to be mounted from.

    What names the service's address follows by itself, and what has a port of its own is not asked: neither
    is there. Nor is what is not the site's.
    """
    places: Dict[str, List[MountPoint]] = {}
    for place in view.places:
        owner = _owner(view, place)
        if owner not in ("", SERVICE, SEVERAL) and not has_own_port(place):
            places.setdefault(owner, []).append(place)
    return places


def _owner(view: ClientView, place: MountPoint) -> str:
    node = place.node or place.kept
    if node is not None:
        return view.node_owner(node)
    return view.line_owner(place.lines[0]) if place.lines else ""


def silent(view: ClientView, calls: NfsCalls) -> Dict[str, str]:
    """The servers in use of which no address answers, and why not."""
    reasons: Dict[str, str] = {}
    for name, places in in_use(view).items():
        mounted = [plain(option(p.node.options, "addr")) for p in places if p.node]
        reason = _silence(_addresses(view, name, mounted), calls)
        if reason:
            reasons[name] = reason
    return reasons


def _silence(addresses: List[str], calls: NfsCalls) -> str:
    """Why none of them answers; empty when one does, or where there is none to ask."""
    reasons: List[str] = []
    for address in addresses:
        reason = calls.answers(address)
        if not reason:
            return ""
        reasons.append(reason)
    return "; ".join(reasons)


def _addresses(view: ClientView, name: str, mounted: Sequence[str] = ()) -> List[str]:
    server = _known(view, name)
    known = [plain(item) for item in server.addresses if is_address(item)]
    known += view.names.addresses.get(plain(server.hostname), [])
    own = [address for address in known if view.names.owner(address) == name]
    return sorted(set(own) | {address for address in mounted if address})


def _known(view: ClientView, name: str) -> KnownServer:
    return next(server for server in view.spec.servers if server.name == name)


def verdict(view: ClientView, lost: Set[str], calls: NfsCalls) -> Verdict:
    """Who serves what these servers no longer do."""
    places = [place for name in sorted(lost) for place in in_use(view).get(name, [])]
    paths = [_named(view, place) for place in places]
    reasons: List[str] = []
    serving: List[str] = []
    for server in view.spec.servers:
        if server.name in lost:
            continue
        reason = _not_serving(view, server.name, paths, calls)
        if reason:
            reasons.append("{}: {}".format(server.name, reason))
        else:
            serving.append(server.name)
    if not serving:
        return Verdict("", "no other server serves: " + ("; ".join(reasons) or "there is none"))
    if len(serving) > 1:
        return Verdict("", "{} both serve: a person has to say which".format(" and ".join(serving)))
    elsewhere = _led_elsewhere(view, serving[0], places)
    if elsewhere:
        return Verdict("", "{} serves, but {}".format(serving[0], elsewhere))
    return Verdict(serving[0], "{} serves".format(serving[0]))


def _not_serving(view: ClientView, name: str, paths: Paths, calls: NfsCalls) -> str:
    """Empty when an address of the server answers and exports every path."""
    reasons: List[str] = []
    for address in _addresses(view, name):
        reason = calls.answers(address)
        for named in [] if reason else paths:
            reason = reason or calls.exports(address, named)
        if not reason:
            return ""
        reasons.append(reason)
    return "; ".join(reasons) or "no address of it is known here"


def _named(view: ClientView, place: MountPoint) -> List[str]:
    """The path as the mount names it, in full, and from the export that is NFSv4's root."""
    node = place.node or place.kept
    source = source_of(node.source if node else place.lines[0].source)
    paths = [source.path] if source else []
    paths.append(place.mount.path)
    if view.spec.root and inside(place.mount.path, [view.spec.root]):
        paths.append(place.mount.path[len(view.spec.root.rstrip("/")) :] or "/")
    return sorted(set(paths), key=paths.index)


def _led_elsewhere(view: ClientView, target: str, places: List[MountPoint]) -> str:
    """Which name of the service leads to another server on this client; empty when none does.

    One that a place is mounted by has to lead to the target: nothing else could be mounted by it.
    """
    sources = [source_of(node.source) for place in places for node in [place.node or place.kept] if node]
    sources += [source_of(line.source) for place in places for line in place.lines]
    used = {source.host for source in sources if source}
    for name in view.spec.service:
        if is_address(name):
            continue
        addresses = view.names.addresses.get(plain(name), [])
        owners = {view.names.owner(address) for address in addresses} - {SERVICE, target}
        if plain(name) in used and (owners or not addresses):
            return "{} leads to {} on this client".format(name, ", ".join(addresses) or "no address")
        if owners - {""}:
            return "{} leads to {} on this client".format(name, ", ".join(sorted(owners - {""})))
    return ""
