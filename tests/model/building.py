"""Builds a site from its layout: nfs-srv-1 serves, nfs-srv-2 stands by, the clients have mounted."""

from __future__ import annotations

from pathlib import Path

from tests.model.host.automounts import wait_at
from tests.model.host.linux import LinuxHost
from tests.model.host.lvm import activate, groups
from tests.model.host.mount_tools import fstab as table
from tests.model.host.mounts import normal
from tests.model.host.startup import mount_all
from tests.model.host.storage import (
    Disk,
    Filesystem,
    LogicalVolume,
    PhysicalVolume,
    Volume,
    VolumeGroup,
    new_uuid,
)
from tests.model.layouts import ClientLayout, FilesystemLayout, GroupLayout, SiteLayout, TargetLayout
from tests.model.site import Site

OLD, NEW = "nfs-srv-1", "nfs-srv-2"
ADDRESSES = {OLD: ("10.0.0.11", "10.0.2.4"), NEW: ("10.0.0.12", "10.0.2.5")}
_FIRST_CLIENT = 21
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def build(layout: SiteLayout, folder: Path) -> Site:
    """The site, serving; raises AssertionError when the layout cannot serve even before any failover."""
    site = Site(folder)
    old, new = site.add(OLD, *ADDRESSES[OLD]), site.add(NEW, *ADDRESSES[NEW])
    filer = _filer(site) if layout.filer else None
    clients = [site.add(c.name, f"10.0.0.{_FIRST_CLIENT + n}") for n, c in enumerate(layout.clients)]
    made: dict[str, tuple[Filesystem, str]] = {}
    for group in layout.groups:
        made |= _group(site, group)
    for host in (old, new):
        host.event_activation = layout.event_activation
    _serve(old, layout, made)
    if layout.service_address:
        old.addresses["ens3"].append((layout.service_address, 24))
    stale = "".join(
        line_of(group, item, made[item.mount][0], layout.target.fstab)
        for group, item in layout.filesystems[:1]
    )
    _stand_by(new, layout.target, stale, next(iter(made.values()))[0])
    if NEW in layout.servers_of_filer:
        _of_filer(new)
    if layout.target.remote:
        _also_mounts(new, f"{OLD}:{layout.exports[0].path}", "/mnt/remote")
    for host, client in zip(clients, layout.clients, strict=True):
        _mount(host, client)
    if filer:
        filer.power_off()
    return site


def _filer(site: Site) -> LinuxHost:
    """Somebody else's NFS server."""
    host = site.add("filer", "10.0.9.9")
    host.write("/etc/exports", "/srv *(rw)\n")
    host.units.start("nfs-server")
    return host


def _group(site: Site, layout: GroupLayout) -> dict[str, tuple[Filesystem, str]]:
    """Makes the volumes of a group and attaches them; returns the filesystem and its line by mount point."""
    if layout.straight:
        return _straight(site, layout)
    group = VolumeGroup(layout.name, system_id=OLD if layout.system_id else "")
    for number in range(layout.volumes):
        physical = PhysicalVolume(group)
        disk = Disk(partitions=(physical,)) if layout.partitioned else Disk(physical)
        _attached(site, f"{layout.name}-{number + 1}", disk)
    for _ in range(layout.local):
        site.hosts[OLD].add_local(Disk(PhysicalVolume(group)))
    uses = list(group.physical)
    for _ in range(layout.lost):
        PhysicalVolume(group)
    for number in range(layout.blank):
        _attached(site, f"{layout.name}-{layout.volumes + number + 1}", Disk())
    made = {}
    for item in layout.filesystems:
        filesystem = Filesystem(item.type, item.label, item.folders)
        group.logical.append(LogicalVolume(item.logical, filesystem, item.layout, uses))
        made[item.mount] = filesystem, line_of(layout, item, filesystem, item.line + "\n" + item.more)
    if layout.spare:
        filesystem = Filesystem("ext4")
        group.logical.append(LogicalVolume("spare", filesystem, uses=uses))
        made[layout.spare] = filesystem, f"/dev/{layout.name}/spare {layout.spare} ext4 nofail 0 0\n"
    return made


def _straight(site: Site, layout: GroupLayout) -> dict[str, tuple[Filesystem, str]]:
    """As `_group`, without LVM: a volume for each filesystem."""
    made = {}
    for number, item in enumerate(layout.filesystems, 1):
        filesystem = Filesystem(item.type, item.label, item.folders)
        disk = Disk(partitions=(filesystem,)) if layout.partitioned else Disk(filesystem)
        volume = _attached(site, f"{layout.name}-{number}", disk)
        found, part = site.storage.attachments[volume.name], "1" if layout.partitioned else ""
        path = f"/dev/disk/by-path/ip-{found.address}:{found.port}-iscsi-{volume.iqn}-lun-1"
        letter = _LETTERS[len(site.storage.attachments)]
        text = (item.line + "\n" + item.more).replace("{device}", "{vd}").replace("{mapped}", "{vd}")
        text = text.replace("{path}", path + (part and f"-part{part}"))
        text = text.replace("{vd}", f"/dev/oracleoci/oraclevd{letter}{part}")
        made[item.mount] = filesystem, line_of(layout, item, filesystem, text)
    return made


def _attached(site: Site, name: str, disk: Disk) -> Volume:
    volume = site.storage.add(Volume(name, disk))
    site.storage.attach(name, OLD)
    return volume


def line_of(group: GroupLayout, item: FilesystemLayout, filesystem: Filesystem, text: str) -> str:
    """Lines of fstab with the filesystem's names filled in."""
    mapped = "/dev/mapper/" + "-".join(part.replace("-", "--") for part in (group.name, item.logical))
    return text.format(
        device=f"/dev/{group.name}/{item.logical}",
        mapped=mapped,
        uuid=filesystem.uuid,
        UUID=filesystem.uuid.upper(),
        label=filesystem.label,
        partuuid=filesystem.partuuid,
        mount=item.mount,
    )


def _serve(host: LinuxHost, layout: SiteLayout, made: dict[str, tuple[Filesystem, str]]) -> None:
    """As an administrator brought it up by hand: records, fstab, exports; then a boot."""
    if any(group.system_id for group in layout.groups):
        host.system_id = OLD
    for volume, portal in host.site.storage.targets(host.name):
        host.initiator.records[volume.iqn, portal] = {"node.startup": "automatic"}
    fstab = (host.read("/etc/fstab") or "") + "".join(lines for _, lines in made.values())
    host.write("/etc/fstab", fstab)
    host.names = host.names | dict(layout.aliases)
    for mount in [*made, *(line.mount for line in table(host) if "bind" in line.options)]:
        Path(host.path(mount)).mkdir(parents=True, exist_ok=True)
    for name, text in layout.exports_files:
        host.write("/etc/" + name, text)
    host.units["nfs-server"].enabled = "enabled"
    host.power_off()
    troubles = host.boot()
    if any(group.lost for group in layout.groups):  # nothing activates an incomplete group by itself
        troubles = _by_hand(host)
    assert not troubles, troubles
    for mount in made:
        top = host.mounts.top(host.mounts.canonical(mount))
        assert top, f"{mount} is not mounted"
        assert top.block, f"{mount} is not from a device"
    if layout.below:
        _occupy(host, layout.below)
    if OLD in layout.servers_of_filer:
        _of_filer(host)
    if layout.busy:
        host.units.work_in(layout.busy)


def _by_hand(host: LinuxHost) -> list[str]:
    for group in groups(host):
        activate(host, group)
    found = mount_all(host)
    host.units.start("nfs-server")
    return found


def _of_filer(host: LinuxHost) -> None:
    _also_mounts(host, "filer:/srv", "/srv/filer")


def _also_mounts(host: LinuxHost, source: str, mount: str) -> None:
    host.write("/etc/fstab", f"{host.read('/etc/fstab')}{source} {mount} nfs defaults,nofail 0 0\n")
    Path(host.path(mount)).mkdir(parents=True)
    _run(host, "mount", mount)


def _stand_by(host: LinuxHost, layout: TargetLayout, stale: str, first: Filesystem) -> None:
    host.write("/etc/fstab", (host.read("/etc/fstab") or "") + stale)
    for name, text in layout.exports_files:
        host.write("/etc/" + name, text)
    if layout.foreign:
        group = VolumeGroup(layout.foreign, [LogicalVolume("scratch", Filesystem())])
        host.add_local(Disk(PhysicalVolume(group)))
    for mount in layout.occupied:
        _occupy(host, mount)
    for mount in layout.links:
        place = Path(host.path(mount))
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(host.path("/srv/elsewhere")).mkdir(exist_ok=True)
        place.symlink_to("../" * (mount.count("/") - 1) + "srv/elsewhere")
    for name in layout.masked:
        host.units[name].enabled = "masked"
    for command in layout.missing_packages:
        host.uninstall(command)
    if layout.clone:
        _clone(host, layout, first)
    if layout.own:
        _own_volume(host)
    if layout.serving:
        host.write("/etc/exports.d/own.exports", "/srv *(ro)\n")
        host.units["nfs-server"].enabled = "enabled"
        host.units.start("nfs-server")
    host.system_id, host.lvm_conf = layout.system_id, dict(layout.lvm_conf)
    if layout.devices_file:
        host.use_devices_file = True
        host.write("/etc/lvm/devices/system.devices", "# LVM uses devices listed in this file.\n")


def _own_volume(host: LinuxHost) -> None:
    """A volume that stays on this host, logged in to and mounted."""
    group = VolumeGroup("vgown")
    physical = PhysicalVolume(group)
    group.logical.append(LogicalVolume("scratch", Filesystem(), uses=[physical]))
    volume = host.site.storage.add(Volume("own", Disk(physical)))
    found = host.site.storage.attach(volume.name, host.name)
    key = (volume.iqn, f"{found.address}:{found.port}")
    host.initiator.records[key] = {"node.startup": "automatic"}
    host.units.start("iscsid")
    assert host.initiator.log_in(key)
    activate(host, group)
    line = "/dev/vgown/scratch /srv/own xfs defaults,_netdev,nofail 0 0\n"
    host.write("/etc/fstab", (host.read("/etc/fstab") or "") + line)
    Path(host.path("/srv/own")).mkdir()
    _run(host, "mount", "/srv/own")


def _clone(host: LinuxHost, layout: TargetLayout, first: Filesystem) -> None:
    label, uuid = (first.label, first.uuid) if layout.clone == "uuid" else (first.label, new_uuid())
    _occupy(host, "/srv/clone", Filesystem(first.type, label, uuid=uuid))
    if not layout.mounted:
        _run(host, "umount", "/srv/clone")


def _occupy(host: LinuxHost, mount: str, filesystem: Filesystem | None = None) -> None:
    """Something of the host's own is mounted on the mount point."""
    filesystem = filesystem or Filesystem()
    host.add_local(Disk(filesystem))
    Path(host.path(mount)).mkdir(parents=True, exist_ok=True)
    node = max(block.node for block in host.devices.blocks.values() if block.whole == "")
    _run(host, "mount", "-t", filesystem.type, node, mount)


def _mount(host: LinuxHost, layout: ClientLayout) -> None:
    """The client's fstab and other files, and everything in them mounted, parents first."""
    host.write("/etc/fstab", (host.read("/etc/fstab") or "") + layout.fstab)
    host.names = host.names | dict(layout.aliases)
    for name, text in layout.files:
        host.write(name, text)
    for name, target in layout.links:
        Path(host.path("/" + target)).mkdir(parents=True, exist_ok=True)
        Path(host.path(name)).symlink_to(target)
    for line in table(host):
        if "x-systemd.automount" in line.options:
            wait_at(host, normal(line.mount), "systemd-1")
    if host.read("/etc/auto.master"):
        host.units["autofs"].installed, host.units["autofs"].enabled = True, "enabled"
        host.units.start("autofs")
    commands = dict(layout.how)
    wanted = [mount for _, mount in layout.mounts] + list(layout.others)
    for mount in sorted(host.mounts.canonical(mount) for mount in wanted):
        command = commands.get(mount, ("mount", mount))
        if command[0] == "mount":
            Path(host.path(mount)).mkdir(parents=True, exist_ok=True)
        _run(host, *command)


def _run(host: LinuxHost, *argv: str) -> None:
    host.begin()
    host.run(*argv)
