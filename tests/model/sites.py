"""Strategies for sites as public stacks and administrators make them: every part in many spellings.

Every site serves before the failover: each part is drawn so that the builder's own checks hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.model.building import NEW, OLD
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
        "noauto,defaults",
        "vers=3,defaults,noatime,bg,timeo=100,ac,actimeo=120,nocto,rsize=1048576,nolock,proto=tcp,_netdev",
        "rw,hard,vers=4.2",
    ]
)
_EXTRA = [" 192.168.7.0/24(rw,no_root_squash)", " @nodes(ro)", " fd00:1::/64(rw)", " NFS-CLI(rw,insecure)"]
_ONE = ["nfs-cli", f"nfs-cli.{DOMAIN}", "10.0.0.21", "render"]
_MOUNTS = ["/mnt/a", "/mnt/b", "/mnt/nfsshare/c"]
_WORLD = ["*", "10.0.0.0/16", "10.0.0.0/255.255.0.0", "10.0.0.0/24", f"*.{DOMAIN}"]


def _mostly(plain: object, other: st.SearchStrategy, times: int = 3) -> st.SearchStrategy:
    """The plain value so many times more often: what is rare one by one is rare in a site, too."""
    drawn = st.sampled_from([0] * times + [1])
    return drawn.flatmap(lambda found: other if found else st.just(plain))


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
        "{mount} /export/data none bind,nofail 0 0\n",
        "{mount}/p /export/p none bind,nofail 0 0\n",
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
    mounts = draw(_mostly(_MOUNTS, st.just(["/mnt/a", "/mnt/a/q", "/mnt/a/q/p"])))
    filesystems = [draw(_filesystem(each, mounts[n])) for n, each in enumerate((logical, *second))]
    trouble = draw(
        _mostly("", st.sampled_from(["lost", "local", "blank", "raid", *["partition", "owner"] * 4]))
    )
    volumes = draw(st.integers(1, 4))
    first = GroupLayout(
        name,
        volumes,
        trouble == "partition",
        trouble == "owner",
        int(trouble == "lost"),
        int(trouble == "local"),
        int(trouble == "blank"),
        draw(_mostly("", st.just("/mnt/spare"), 15)),
        tuple(replace(item, layout="raid,raid1" if trouble == "raid" else layout) for item in filesystems),
    )
    other = GroupLayout("vg9", 1, filesystems=(draw(_filesystem("lv01", "/mnt/nine")),))
    if draw(_mostly(False, st.just(True))):
        other = replace(other, name="data", straight=True, partitioned=draw(st.booleans()))
        return (_straight(first),) if draw(st.booleans()) else (first, other)
    return (first, *draw(_mostly((), st.just((other,)))))


def _straight(group: GroupLayout) -> GroupLayout:
    """The group's filesystems, each straight on a volume."""
    return GroupLayout("data", straight=True, partitioned=group.partitioned, filesystems=group.filesystems)


@dataclass(frozen=True)
class _Export:
    """One export as the spec has it, and as the old server's files have it."""

    spec: ExportLayout
    line: str


@st.composite
def _export(draw: st.DrawFn, path: str, number: int) -> _Export:
    inside = draw(st.sampled_from([path, path, path + "/exports"]))
    base = draw(st.sampled_from(_WORLD))
    named = draw(st.lists(st.sampled_from(_ONE), max_size=2, unique=True))
    options = draw(st.sampled_from(["rw,sync,no_subtree_check", "rw,sync,no_root_squash", "rw"]))
    spelled = {"*": draw(st.sampled_from(["*", ""])), "10.0.0.0/16": "10.0.0.0/255.255.0.0"}
    written = draw(st.sampled_from([base, spelled.get(base, base)]))
    alone = bool(named) and draw(_mostly(False, st.just(True)))
    mine = ExportLayout(
        inside,
        tuple(named) if alone else (base, *named),
        options,
        draw(st.sampled_from([None, number + 1, number + 1, 0 if not number else None])),
    )
    pinned = mine.fsid == 0 or draw(st.sampled_from([True] * 7 + [False]))
    given = options + (f",fsid={mine.fsid}" if mine.fsid is not None and pinned else "")
    extra = draw(_mostly("", st.sampled_from(_EXTRA)))
    clients = named if alone else [written, *named]
    words = "".join(f" {client}({given})" for client in clients)
    if draw(_mostly(False, st.just(True))):
        words = f" -{given} " + " \\\n    ".join(client or "*" for client in clients)
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
    from_root = export.fsid == 0 and draw(st.booleans())
    outer = draw(_nfs_line(server, "/" if from_root else export.path, "/mnt/nfs/a"))
    outer = replace(outer, kind="nfs4", options="defaults") if export.fsid == 0 else outer
    mounts = [(export.path, outer.mount)]
    text = ""
    if (
        draw(_mostly(False, st.just(True)))
        and not export.path.endswith(("exports", "/q"))
        and export.fsid != 0
    ):
        mounts.append((export.path + "/p", "/mnt/nfs/a/p"))
        text += draw(_nfs_line(server, *mounts[-1])).fstab()
    more, others = draw(_mostly(("", ()), _more(server, export)))
    way = draw(_mostly("fstab", st.sampled_from(["unit", "indirect", "direct", "systemd", "hand"])))
    client = ClientLayout(name, tuple(draw(st.permutations(mounts))), text + more, others)
    client = replace(client, fstab="#" * draw(st.integers(0, 1)) + "# " + outer.fstab() + client.fstab)
    return _linked(_written(client, outer, way), draw(_mostly(False, st.just(True))))


def _linked(client: ClientLayout, linked: bool) -> ClientLayout:
    """The client whose site.toml names its mount points through a symbolic link."""
    if not linked:
        return client
    mounts = tuple((path, mount.replace("/mnt/nfs", "/data")) for path, mount in client.mounts)
    return replace(client, mounts=mounts, links=(("/data", "mnt/nfs"),))


@st.composite
def _more(draw: st.DrawFn, server: str, export: ExportLayout) -> tuple[str, tuple[str, ...]]:
    """Other lines of a client's fstab, and their mount points."""
    extra = draw(_nfs_line(server, export.path, "/mnt/more"))
    extra = replace(extra, kind="nfs4", options="defaults") if export.fsid == 0 else extra
    return draw(
        st.sampled_from(
            [
                (extra.fstab(), ("/mnt/more",)),
                ("/mnt/nfs/a /shared none bind 0 0\n", ("/shared",)),
                ("filer:/srv /srv/filer nfs defaults,_netdev 0 0\n", ("/srv/filer",)),
            ]
        )
    )


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


_TROUBLES: list[dict[str, object]] = [
    {"masked": ("nfs-server",)},
    {"masked": ("iscsid",)},
    {"missing_packages": ("iscsiadm",)},
    {"missing_packages": ("exportfs",)},
    {"missing_packages": ("vgchange",)},
    {"clone": "uuid", "mounted": True},
    {"lvm_conf": (("devices/filter", '["r|/dev/sd.*|"]'),)},
    {"lvm_conf": (("activation/volume_list", '["vg0"]'),)},
]
_HARMLESS: list[dict[str, object]] = [
    {"devices_file": True},
    {"clone": "label"},
    {"clone": "label", "mounted": True},
    {"clone": "uuid"},
    {"serving": True},
    {"own": True},
    {"remote": True},
    {"system_id": "nfs-srv-2"},
    {"lvm_conf": (("devices/filter", '["a|/dev/sd.*|"]'),)},
]


@st.composite
def _target(draw: st.DrawFn, group: GroupLayout, path: str) -> TargetLayout:
    mount = group.filesystems[0].mount
    named: list[dict[str, object]] = [{"foreign": group.name}, {"occupied": (mount,)}, {"links": (mount,)}]
    trouble = draw(_mostly({}, st.sampled_from(named + _TROUBLES), 9))
    stale = st.sampled_from(["192.168.9.0/24(ro)", "*(ro)", "-rw,sync 10.0.0.0/255.255.0.0 nfs-cli(ro)"])
    exports = draw(_mostly((), stale.map(lambda client: (("exports", f"{path} {client}\n"),)), 7))
    fields = draw(_mostly({}, st.sampled_from(_HARMLESS))) | trouble
    return TargetLayout(draw(_mostly("", _STALE)), exports, **fields)


@st.composite
def layouts(draw: st.DrawFn) -> SiteLayout:
    """A whole site; planned or not."""
    groups = draw(_groups())
    mounts = [item.mount for group in groups for item in group.filesystems]
    exports = [
        draw(_export(mount, number if len(mounts) == 1 else number + 1))
        for number, mount in enumerate(mounts)
    ]
    specs = [export.spec for export in exports]
    service = draw(_mostly("", st.just(_SERVICE)))
    target = draw(_target(groups[0], specs[0].path))
    target = target if _for_all(specs[0]) else replace(target, remote=False)
    count = draw(st.sampled_from([1, 1, 2])) if all(_for_all(spec) for spec in specs) else 1
    clients = [draw(_client(number, specs, service)) for number in range(count)]
    name = draw(st.sampled_from(["exports", "exports", "exports.d/site.exports"]))
    hold = draw(_mostly("", st.sampled_from(["below", "busy", "busy", "busy"])))
    hold = "" if hold == "below" and "/mnt/a/q" in mounts else hold
    of_filer = draw(_mostly((), st.sampled_from([(OLD,), (NEW,), (OLD, NEW)])))
    other = draw(_mostly("", st.just("/srv *(ro)\n")))
    return SiteLayout(
        groups,
        tuple(specs),
        ((name, "".join(export.line for export in exports) + other),),
        tuple(clients),
        target,
        service,
        event_activation=draw(st.booleans()),
        below=mounts[0] + "/q" if hold == "below" else "",
        busy=mounts[0] + "/exports" if hold == "busy" else "",
        aliases=(("render", "10.0.0.21"),),
        filer=bool(of_filer) or any("filer:" in client.fstab for client in clients),
        servers_of_filer=of_filer,
        known_addresses=draw(st.sampled_from([1, 2])),
        planned=draw(st.booleans()),
    )


def _for_all(export: ExportLayout) -> bool:
    return bool(set(_WORLD) & set(export.clients))
