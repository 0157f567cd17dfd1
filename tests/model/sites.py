"""Strategies for sites as public stacks and administrators make them: every part in many spellings.

Every site serves before the failover: each part is drawn so that the builder's own checks hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.model.layouts import (
    ClientLayout,
    ExportLayout,
    FilesystemLayout,
    GroupLayout,
    SiteLayout,
    TargetLayout,
)
from tests.model.site import DOMAIN

_SERVICE = "10.0.0.100"
_GAPS = st.sampled_from([" ", "\t", "  \t "])
_SERVER_OPTIONS = st.sampled_from(
    [
        "defaults",
        "defaults,_netdev",
        "defaults,_netdev,nofail",
        "defaults,_netdev,noatime",
        "defaults,_netdev,nofail,noatime,inode64,uquota,prjquota",
    ]
)
_SOURCES = ["{device}", "{mapped}", "UUID={uuid}", 'UUID="{uuid}"', "/dev/disk/by-uuid/{uuid}"]
_LABELLED = ["LABEL={label}", 'LABEL="{label}"', "/dev/disk/by-label/{label}"]
_CLIENT_OPTIONS = st.sampled_from(
    [
        "defaults",
        "defaults,_netdev,nofail",
        "defaults,nconnect=16",
        "vers=3,defaults,noatime,bg,timeo=100,ac,actimeo=120,nocto,rsize=1048576,nolock,proto=tcp,_netdev",
        "rw,hard,vers=4.2",
    ]
)
_MOUNTS = ["/mnt/a", "/mnt/b", "/mnt/nfsshare/c"]
_WORLD = ["*", "10.0.0.0/16", "10.0.0.0/255.255.0.0", "10.0.0.0/24", f"*.{DOMAIN}"]


def _mostly(plain: object, other: st.SearchStrategy) -> st.SearchStrategy:
    """The plain value three times of four: what is rare one by one is rare in a site, too."""
    return st.sampled_from([0, 0, 0, 1]).flatmap(lambda drawn: other if drawn else st.just(plain))


def _spelled(path: str) -> st.SearchStrategy[str]:
    """A path as people write it."""
    return st.sampled_from([path, path, path + "/", "/" + path, path.replace("/", "//", 2)[1:]])


@st.composite
def _line(draw: st.DrawFn, label: str, kind: str) -> str:
    source = draw(st.sampled_from(_SOURCES + (_LABELLED if label else [])))
    gap, mount = draw(_GAPS), draw(st.sampled_from(["{mount}", "{mount}/", "/{mount}"]))
    tail = draw(st.sampled_from(["0 0", "0 2", "0", ""]))
    return gap.join([source, mount, kind, draw(_SERVER_OPTIONS), tail]).rstrip()


_MORE = st.sampled_from(
    [
        "# data\n",
        "#{device} {mount} xfs defaults 0 0\n",
        "{mapped} {mount} {type} defaults,_netdev,nofail 0 0\n",
        "UUID={uuid}\t{mount}/\t{type}\tdefaults,nofail\t0\t0\n",
    ]
)


@st.composite
def _filesystem(draw: st.DrawFn, logical: str, mount: str) -> FilesystemLayout:
    label = draw(st.sampled_from(["", "blockvolume"])) if mount == "/mnt/a" else ""
    kind = draw(st.sampled_from(["xfs", "xfs", "ext4"]))
    return FilesystemLayout(
        logical,
        mount,
        kind,
        label,
        ("p", "q", "exports"),
        draw(_line(label, kind)),
        draw(st.booleans()),
        more=draw(_mostly("", _MORE)).replace("{type}", kind),
    )


@st.composite
def _groups(draw: st.DrawFn) -> tuple[GroupLayout, ...]:
    name = draw(st.sampled_from(["vg1", "bv", "vg_nfs_disk", "vg-data"]))
    logical = draw(st.sampled_from(["lv01", "bv", "disk", "lv-1"]))
    second = draw(_mostly((), st.sampled_from([("lv02",), ("lv02", "lv03")])))
    layout = draw(st.sampled_from(["linear", "striped"]))
    filesystems = [draw(_filesystem(each, _MOUNTS[n])) for n, each in enumerate((logical, *second))]
    trouble = draw(_mostly("", st.sampled_from(["lost", "local", "blank", "raid", "partition", "owner"])))
    volumes = draw(st.integers(1, 4))
    first = GroupLayout(
        name,
        volumes,
        trouble == "partition",
        trouble == "owner",
        int(trouble == "lost"),
        int(trouble == "local"),
        int(trouble == "blank"),
        tuple(replace(item, layout="raid,raid1" if trouble == "raid" else layout) for item in filesystems),
    )
    other = GroupLayout("vg9", 1, filesystems=(draw(_filesystem("lv01", "/mnt/nine")),))
    return (first, *draw(_mostly((), st.just((other,)))))


@dataclass(frozen=True)
class _Export:
    """One export as the spec has it, and as the old server's files have it."""

    spec: ExportLayout
    line: str


@st.composite
def _export(draw: st.DrawFn, path: str, fsid: int) -> _Export:
    inside = draw(st.sampled_from([path, path, path + "/exports"]))
    base = draw(st.sampled_from(_WORLD))
    named = draw(
        st.lists(
            st.sampled_from(["nfs-cli", f"nfs-cli.{DOMAIN}", "10.0.0.21", "render"]), max_size=2, unique=True
        )
    )
    options = draw(st.sampled_from(["rw,sync,no_subtree_check", "rw,sync,no_root_squash", "rw"]))
    spelled = {"*": draw(st.sampled_from(["*", ""])), "10.0.0.0/16": "10.0.0.0/255.255.0.0"}
    written = draw(st.sampled_from([base, spelled.get(base, base)]))
    extra = draw(_mostly("", st.just(" 192.168.7.0/24(rw,no_root_squash)")))
    words = "".join(f" {client}({options})" for client in [written, *named])
    if draw(_mostly(False, st.just(True))):
        words = f" -{options} " + " \\\n    ".join([written or "*", *named])
    mine = ExportLayout(inside, (base, *named), options, draw(st.sampled_from([None, fsid])))
    return _Export(mine, f"{draw(_spelled_export(inside))}{words}{extra}\n")


def _spelled_export(path: str) -> st.SearchStrategy[str]:
    return st.sampled_from([path, path, path + "/"])


@dataclass(frozen=True)
class _Line:
    """One NFS mount of a client, as it will be written somewhere."""

    source: str
    mount: str
    kind: str
    options: str
    gap: str
    spelled: str

    def fstab(self, more: str = "") -> str:
        return self.gap.join([self.source, self.spelled, self.kind, self.options + more, "0 0"]) + "\n"


@st.composite
def _nfs_line(draw: st.DrawFn, server: str, path: str, mount: str) -> _Line:
    source = f"{server}:{draw(st.sampled_from([path, path, path + '/']))}"
    kind, spelled = (
        draw(st.sampled_from(["nfs", "nfs", "nfs4"])),
        draw(st.sampled_from([mount, mount, mount + "/"])),
    )
    return _Line(source, mount, kind, draw(_CLIENT_OPTIONS), draw(_GAPS), spelled)


@st.composite
def _client(draw: st.DrawFn, number: int, exports: list[ExportLayout], service: str) -> ClientLayout:
    name = "nfs-cli" if not number else f"nfs-cli-{number + 1}"
    servers = [
        "nfs-srv-1",
        "nfs-srv-1",
        "10.0.0.11",
        f"nfs-srv-1.{DOMAIN}",
        "NFS-SRV-1",
        "10.0.2.4",
        "storage",
    ]
    server = draw(st.sampled_from(servers + ([service] if service else [])))
    export = draw(st.sampled_from(exports))
    outer = draw(_nfs_line(server, export.path, "/mnt/nfs/a"))
    mounts = [(export.path, outer.mount)]
    text, others = "", ()
    if draw(_mostly(False, st.just(True))) and not export.path.endswith("exports"):
        mounts.append((export.path + "/p", "/mnt/nfs/a/p"))
        text += draw(_nfs_line(server, *mounts[-1])).fstab()
    more = draw(_mostly("", st.sampled_from(["extra", "bind", "comment"])))
    if more == "extra":
        text, others = text + draw(_nfs_line(server, export.path, "/mnt/more")).fstab(), ("/mnt/more",)
    elif more == "bind":
        text, others = text + "/mnt/nfs/a /shared none bind 0 0\n", ("/shared",)
    elif more == "comment":
        text = "#" + outer.fstab() + text
    way = draw(_mostly("fstab", st.sampled_from(["unit", "indirect", "direct", "systemd", "hand"])))
    return _written(ClientLayout(name, tuple(draw(st.permutations(mounts))), text, others), outer, way)


def _written(client: ClientLayout, outer: _Line, way: str) -> ClientLayout:
    """The client with its outer mount in the place that `way` names."""
    aliases = (("storage", "10.0.0.11"),)
    touch = (outer.mount, ("stat", "-f", outer.mount))
    by_hand = (outer.mount, ("mount", "-t", outer.kind, "-o", outer.options, outer.source, outer.mount))
    if way == "unit":
        unit = (
            f"[Mount]\nWhat={outer.source}\nWhere={outer.mount}\nType={outer.kind}\nOptions={outer.options}\n"
        )
        files = (("/etc/systemd/system/mnt-nfs-a.mount", unit),)
        return replace(client, aliases=aliases, files=files, how=(by_hand,))
    if way in ("indirect", "direct"):
        place, key = ("/mnt/nfs", "a") if way == "indirect" else ("/-", outer.mount)
        files = (
            ("/etc/auto.master", f"# maps\n{place} /etc/auto.nfs\n"),
            ("/etc/auto.nfs", f"{key}\t-{outer.options}\t{outer.source}\n"),
        )
        return replace(client, aliases=aliases, files=files, how=(touch,))
    if way == "hand":
        return replace(client, aliases=aliases, how=(by_hand,))
    if way == "systemd":
        text = outer.fstab(",x-systemd.automount") + client.fstab
        return replace(client, aliases=aliases, fstab=text, how=(touch,))
    return replace(client, aliases=aliases, fstab=outer.fstab() + client.fstab)


_STALE = st.sampled_from(
    [
        "{device} {mount} xfs defaults 0 0\n",
        "#{device} {mount} xfs defaults 0 0\n",
        "UUID={uuid} {mount} xfs defaults,nofail 0 0\n",
        "UUID=11111111-2222-3333-4444-555555555555 {mount}/ xfs defaults,_netdev 0 0\n",
        "/dev/oldvg/oldlv\t{mount}\txfs\tdefaults\t0 0\n",
        "/dev/sda1 {mount} ext4 noauto 0 0\n",
        "nfs-srv-1:{mount} {mount} nfs noauto 0 0\n",
        "/srv {mount} none bind 0 0\n",
    ]
)


@st.composite
def _target(draw: st.DrawFn, group: GroupLayout, path: str) -> TargetLayout:
    trouble = draw(
        _mostly("", st.sampled_from(["foreign", "occupied", "link", "masked", "package", "devices"]))
    )
    packages = st.sampled_from(["iscsiadm", "exportfs", "vgchange", "blkid"])
    return TargetLayout(
        draw(_mostly("", _STALE)),
        draw(_mostly((), st.just((("exports", f"{path} *(ro)\n"),)))),
        group.name if trouble == "foreign" else "",
        (group.filesystems[0].mount,) if trouble == "occupied" else (),
        (group.filesystems[0].mount,) if trouble == "link" else (),
        draw(st.sampled_from([("nfs-server",), ("iscsid",)])) if trouble == "masked" else (),
        (draw(packages),) if trouble == "package" else (),
        trouble == "devices",
    )


@st.composite
def layouts(draw: st.DrawFn) -> SiteLayout:
    """A whole site; planned or not."""
    groups = draw(_groups())
    mounts = [item.mount for group in groups for item in group.filesystems]
    exports = [draw(_export(mount, number + 1)) for number, mount in enumerate(mounts)]
    specs = [export.spec for export in exports]
    service = draw(_mostly("", st.just(_SERVICE)))
    clients = [draw(_client(number, specs, service)) for number in range(draw(st.sampled_from([1, 1, 2])))]
    name = draw(st.sampled_from(["exports", "exports", "exports.d/site.exports"]))
    hold = draw(_mostly("", st.sampled_from(["below", "busy"])))
    other = draw(_mostly("", st.just("/srv *(ro)\n")))
    return SiteLayout(
        groups,
        tuple(specs),
        ((name, "".join(export.line for export in exports) + other),),
        tuple(clients),
        draw(_target(groups[0], specs[0].path)),
        service,
        draw(st.booleans()),
        mounts[0] + "/q" if hold == "below" else "",
        mounts[0] + "/exports" if hold == "busy" else "",
        (("render", "10.0.0.21"),),
        draw(st.sampled_from([1, 2])),
        draw(st.booleans()),
    )
