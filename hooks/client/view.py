"""What a client has of the site's, seen once: its lines, its mounts, and whose they are."""

import os
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from hooks.client import memo as client_memo
from hooks.client import mount_tree
from hooks.client.lines import automaps, mount_units, record
from hooks.client.lines import fstab as client_fstab
from hooks.client.lines.fstab import MountLine
from hooks.client.mount_tree import AUTOFS, NFS
from hooks.client.site_names import SERVICE, SEVERAL, SiteNames, names_worth_a_look, option, source_of
from hooks.contract.client_spec import FOLLOW, TO_SERVER, TO_SERVICE, ClientSpec, ExportMount
from hooks.contract.paths import inside, normalized
from hooks.host import mounts
from hooks.host.host import Host
from hooks.host.mounts import Mounted


class MountPoint(NamedTuple):
    """A mount point of the site's: every line for it, and what is mounted there as users see it.

    `point`: where its path leads through symbolic links. `trigger`: the automount that it comes from, if
    any. `listed`: site.toml names it. `kept`: what a run that was cut off has taken off there, where no line
    tells of it.
    """

    mount: ExportMount
    point: str
    lines: Tuple[MountLine, ...]
    node: Optional[Mounted]
    trigger: Optional[Mounted]
    listed: bool
    kept: Optional[Mounted] = None


class ClientView:
    """One look at a client. Raises OSError. It never waits for a server.

    `kept`: what an earlier run took off and did not mount again; `unfinished`: that, and what it was about to
    take off.
    """

    def __init__(self, host: Host, spec: ClientSpec) -> None:
        self.spec = spec
        self.table = table(host)
        tops = {item.mount: item.id for item in self.table if item.type != AUTOFS}
        memo = client_memo.read(host)
        self.kept = [item for item in memo if item.mount not in tops]
        self.unfinished = self.kept + [item for item in memo if tops.get(item.mount) == item.id]
        self._host = host
        self._real: Dict[str, str] = {}
        points = {self.real(item.mount) for item in spec.mounts}
        points |= {item.mount for item in self.table if item.type in NFS}
        self.lines = [self._located(line) for line in _lines(host, points)]
        sources = [line.source for line in self.lines] + [item.source for item in self.nfs + self.kept]
        self.record = {} if spec.aim == FOLLOW else record.read(host)
        sources += [former.source for former in self.record.values()]
        hosts = [parsed.host for parsed in map(source_of, sources) if parsed]
        self.names = SiteNames(host, spec, names_worth_a_look(spec, hosts), self.nfs + self.kept)
        self.places = [self._place(item, self.real(item.mount), True) for item in spec.mounts]
        self.others = self._others()

    @property
    def nfs(self) -> List[Mounted]:
        return [item for item in self.table if item.type in NFS]

    def real(self, path: str) -> str:
        if path not in self._real:
            self._real[path] = mount_tree.real_path(self._host, self.table, normalized(path))
        return self._real[path]

    def _located(self, line: MountLine) -> MountLine:
        """fstab names mount points of every kind: "none" for swap stays as it is."""
        return line._replace(mount=self.real(line.mount)) if line.mount.startswith("/") else line

    def right(self, owner: str) -> bool:
        """Whether what belongs to this owner is where it should be: on the target, or on the service."""
        service, server = self.spec.aim != TO_SERVER, self.spec.aim != TO_SERVICE
        return (service and owner == SERVICE) or (server and owner == self.spec.server)

    def former(self, owner: str) -> bool:
        return owner not in ("", SEVERAL) and not self.right(owner)

    def paths(self, source: str) -> List[str]:
        """The exported paths that this source may mean: one export may be NFSv4's root (exports(5))."""
        parsed = source_of(source)
        if parsed is None:
            return []
        return [parsed.path] + ([normalized(self.spec.root + parsed.path)] if self.spec.root else [])

    def exported(self, source: str) -> Optional[str]:
        """The path in one of the site's exports; None when this is not the site's."""
        return next((path for path in self.paths(source) if inside(path, list(self.spec.exports))), None)

    def line_owner(self, line: MountLine) -> str:
        return self.names.of_line(line.source, line.options)

    def node_owner(self, node: Mounted) -> str:
        return self.names.of_mount(node)

    def before(self, line: MountLine) -> record.FormerLine:
        """What a migrated line is to say again; empty where it is not known, or not to be had back."""
        known = self.record.get((line.file, line.mount)) if self.spec.aim == TO_SERVER else None
        return known or record.FormerLine(line.file, line.mount, "", "")

    def lines_at(self, point: str) -> Tuple[MountLine, ...]:
        return tuple(line for line in self.lines if line.mount == point)

    def _place(self, mount: ExportMount, point: str, listed: bool) -> MountPoint:
        mounted = mount_tree.mounted_at(self.table, point)
        node = mounted if mounted is not None and mounted.type != AUTOFS else None
        lines, trigger = self.lines_at(point), self._trigger(point)
        kept = [item for item in self.kept if item.mount == point and not (node or lines or trigger)]
        return MountPoint(mount, point, lines, node, trigger, listed, kept[-1] if kept else None)

    def _trigger(self, point: str) -> Optional[Mounted]:
        around = (point, os.path.dirname(point))
        triggers = [item for item in self.table if item.type == AUTOFS and item.mount in around]
        return max(triggers, key=lambda item: len(item.mount)) if triggers else None

    def _others(self) -> List[MountPoint]:
        """The site's mounts and lines that site.toml does not name."""
        listed = {place.point for place in self.places}
        sources = {line.mount: line.source for line in self.lines if line.type in NFS and self._ours(line)}
        for node in self.nfs:
            if self._names_a_server(self.node_owner(node)) and self._whole(node):
                sources[node.mount] = node.source
        for item in self.kept:
            if item.type in NFS and not self.lines_at(item.mount):
                sources[item.mount] = item.source
        return [
            self._place(ExportMount(self.exported(source) or "", point), point, False)
            for point, source in sorted(sources.items())
            if point not in listed
        ]

    def _ours(self, line: MountLine) -> bool:
        return line.mount.startswith("/") and self._names_a_server(self.line_owner(line))

    def _names_a_server(self, owner: str) -> bool:
        """What names the service needs no move, but for one away from it."""
        return owner not in ("", SEVERAL) and (owner != SERVICE or self.spec.aim == TO_SERVER)

    def _whole(self, node: Mounted) -> bool:
        """A mount of its own: seen by users, and no bind mount, and not made by the kernel on the way.

        The kernel mounts a filesystem below an export by itself, when a process walks there (nfs(5), nohide).
        """
        if node.root != "/" or mount_tree.mounted_at(self.table, node.mount) != node:
            return False
        return not bound(self.lines_at(node.mount)) and not self._walked_into(node)

    def _walked_into(self, node: Mounted) -> bool:
        below = [item for item in self.nfs if item.id == node.parent and not self.lines_at(node.mount)]
        own, outer = source_of(node.source), source_of(below[0].source) if below else None
        if own is None or outer is None:
            return False
        return own == outer._replace(path=normalized(outer.path + node.mount[len(below[0].mount) :]))

    def dependents(self, points: List[str]) -> List[Mounted]:
        """What lies on these points' mounts, or shows a part of them elsewhere: bind mounts, overlays."""
        own = set(points) | {place.point for place in self.places + self.others}
        sources = {item.source for item in self.nfs if item.mount in points}
        candidates = [item for item in self.table if item.mount not in own and item.type != AUTOFS]
        return [
            item
            for item in candidates
            if not (item.type in NFS and self._walked_into(item))
            and (
                inside(item.mount, points)
                or (item.source in sources and self._shows_a_part(item))
                or any(inside(layer, points) for layer in mount_tree.overlaid(item))
            )
        ]

    def _shows_a_part(self, item: Mounted) -> bool:
        return item.type in NFS and (item.root != "/" or bound(self.lines_at(item.mount)))


def bound(lines: Tuple[MountLine, ...]) -> bool:
    return any(line.has("bind", "rbind") for line in lines)


def table(host: Host) -> List[Mounted]:
    return mounts.parse(host.read("/proc/self/mountinfo") or "")


def _lines(host: Host, points: Set[str]) -> List[MountLine]:
    fstab = client_fstab.lines(host.read(client_fstab.PATH) or "")
    return fstab + mount_units.lines(host) + automaps.lines(host, points)


def own_port(options: str) -> bool:
    """Whether a mount reaches its server by another port than NFS over TCP has (nfs(5))."""
    return option(options, "port") not in ("", "0", "2049") or "rdma" in options
