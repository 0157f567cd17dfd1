"""What a generated site consists of, as values: what its builders wrote by hand, before any of our commands.

Texts of fstab may name {device}, {mapped}, {uuid}, {UUID} (in capitals), {label} and {mount}, and for a
filesystem straight on a volume {path} (by attachment), {vd} (OCI's consistent name) and {partuuid}.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FilesystemLayout:
    """A logical volume with its filesystem, and its whole line in the server's fstab."""

    logical: str = "lv01"
    mount: str = "/mnt/a"
    type: str = "xfs"
    label: str = ""
    folders: tuple[str, ...] = ()
    line: str = "{device} {mount} xfs defaults 0 0"
    spec_uuid: bool = False
    layout: str = "linear"
    more: str = ""  # other lines of fstab


@dataclass(frozen=True)
class GroupLayout:
    """A volume group on so many `volumes`, on whole disks or on a partition of each.

    `lost`: physical volumes that died, below no logical volume; `local`: those on the old server's own disks;
    `blank`: volumes that the spec counts to the group and that hold nothing; `spare`: the mount point of a
    logical volume that the spec does not have. `straight`: no LVM; each filesystem has a volume, or a
    partition of it.
    """

    name: str = "vg1"
    volumes: int = 2
    partitioned: bool = False
    system_id: bool = False
    lost: int = 0
    local: int = 0
    blank: int = 0
    spare: str = ""
    filesystems: tuple[FilesystemLayout, ...] = (FilesystemLayout(),)
    straight: bool = False


@dataclass(frozen=True)
class ExportLayout:
    """An export of the spec, and the clients as the server's own exports file spells them."""

    path: str = "/mnt/a"
    clients: tuple[str, ...] = ("10.0.0.0/16",)
    options: str = "rw,sync,no_subtree_check"
    fsid: int | None = 1


@dataclass(frozen=True)
class ClientLayout:
    """A client: what site.toml says of it, as (path on the server, mount point), and its lines in fstab.

    `others`: mount points that fstab has and site.toml has not; `aliases`: names in its /etc/hosts; `links`:
    symbolic links with where they lead. `files`:
    mount units and maps of autofs. `how`: the commands that mount, by mount point, where `mount` does not.
    """

    name: str = "nfs-cli"
    mounts: tuple[tuple[str, str], ...] = (("/mnt/a", "/mnt/nfs/a"),)
    fstab: str = "nfs-srv-1:/mnt/a /mnt/nfs/a nfs defaults 0 0\n"
    others: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    how: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class TargetLayout:
    """What the next server has of its own; `foreign`: a local group's name, `occupied`: mount points.

    `clone`: "label" or "uuid" of the first filesystem that a disk of its own has too, `mounted` or not;
    `serving`: it exports something else already.
    """

    fstab: str = ""
    exports_files: tuple[tuple[str, str], ...] = ()
    foreign: str = ""
    occupied: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    missing_packages: tuple[str, ...] = ()
    devices_file: bool = False
    clone: str = ""
    mounted: bool = False
    serving: bool = False
    system_id: str = ""
    own: bool = False  # a block volume of its own, with a group on it
    remote: bool = False  # it is a client of the old server
    lvm_conf: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SiteLayout:
    """`exports_files`: name below /etc to text; `planned`: the old server answers and releases."""

    groups: tuple[GroupLayout, ...] = (GroupLayout(),)
    exports: tuple[ExportLayout, ...] = (ExportLayout(),)
    exports_files: tuple[tuple[str, str], ...] = (
        ("exports", "/mnt/a 10.0.0.0/16(rw,sync,no_subtree_check,fsid=1)\n"),
    )
    clients: tuple[ClientLayout, ...] = (ClientLayout(),)
    target: TargetLayout = field(default_factory=TargetLayout)
    service_address: str = ""
    event_activation: bool = False
    below: str = ""  # a mount point in the site's filesystem with a disk of the old server's own on it
    busy: str = ""  # the working directory of a process on the old server
    aliases: tuple[tuple[str, str], ...] = ()  # of the old server's /etc/hosts
    filer: bool = False  # there is another NFS server, which is dead by now
    servers_of_filer: tuple[str, ...] = ()  # servers that have a mount of it, in fstab
    known_addresses: int = 2  # how many of each server's addresses the stack knows
    planned: bool = True

    @property
    def filesystems(self) -> list[tuple[GroupLayout, FilesystemLayout]]:
        return [(group, item) for group in self.groups for item in group.filesystems]
