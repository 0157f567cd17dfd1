"""What a takeover would find where it mounts, and what the server's mounts have that the spec lacks."""

import os
import re
from typing import Dict, Iterator, Match, Sequence

from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host.host import Host
from hooks.host.mounts import mounted_on, mounts
from hooks.layers import filesystem, fstab
from hooks.layers.devices import means, node, partitions, places, tags
from hooks.layers.fstab_lines import lines_with, on_mount_point
from hooks.survey.host import lacking
from hooks.survey.remark import Remark, holds, refusal, refusals, warning

_QUOTAS = ("/etc/projects", "/etc/projid")
_NOT_PLAIN = ("noauto", "x-systemd.automount")
_OF_A_MOUNT = ("defaults", "rw", "auto")  # options that say nothing of their own


def here(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """What `apply` refuses, what `release` refuses, and who else has the filesystem's UUID.

    Where the filesystem is mounted already, lines of fstab and the like concern its way back here alone.
    """
    reason = lacking(host, spec) if holds(host, spec) else ""
    if reason:
        yield warning("{}; log in to it, or look again when it is back", reason)
        return
    serves = any(mounted_on(host, item.mount) for item in spec.filesystems) and holds(host, spec)
    yield from (Remark(not serves, text) for text in filesystem.refusals(host, spec))
    yield from refusals(filesystem.obstacles(host, spec) if serves else [])
    for item in spec.filesystems:
        yield from _place(host, item)
        if mounted_on(host, item.mount) and (node(host, item) or places(host, item)):
            yield from refusals(filesystem.other_content(host, item))
        yield from _clones(host, item)


def alone(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """What lies on the volumes that are in no group: what the spec lacks there, nobody would mount."""
    grouped = {name for group in spec.volume_groups for name in group.volumes}
    mine = [volume for volume in spec.volumes if volume.name not in grouped]
    known = {str(item.uuid).lower() for item in spec.filesystems}
    for volume in mine if holds(host, spec) and not lacking(host, spec) else ():
        disk = host.real(volume.link) or volume.link
        for device in partitions(host, disk) or [disk]:
            on_disk = tags(host, device)
            if on_disk.get("TYPE") and on_disk.get("UUID", "").lower() not in known:
                text = (
                    "{}: found {} {} on {}, and the spec has nothing of that; add it to the stack's storage, "
                    "or take the volume out of the stack"
                )
                yield refusal(text, volume.name, on_disk["TYPE"], on_disk.get("UUID", "without UUID"), device)


def _place(host: Host, item: Filesystem) -> Iterator[Remark]:
    if not mounted_on(host, item.mount) and os.path.isfile(host.path(item.mount)):
        yield refusal("{}: found a file, expected a directory or nothing; move it away", item.mount)


def _clones(host: Host, item: Filesystem) -> Iterator[Remark]:
    """XFS mounts no second filesystem of one UUID (xfs(5), nouuid); the layer itself refuses some."""
    if item.iqns:
        return
    link = "/dev/disk/by-uuid/{}".format((item.uuid or "").lower())
    clone = host.real(link) if item.uuid else None
    if clone is None or clone == node(host, item):
        return
    if any(host.real(other.source) == clone for other in mounts(host)):
        text = "{}: {} has its UUID {} too and is mounted here, expected no clone; unmount it"
        yield refusal(text, item.mount, clone, item.uuid)
    else:
        text = "{}: {} has its UUID {} too, expected no clone; mount that nowhere on this host"
        yield warning(text, item.mount, clone, item.uuid)


def uuids(host: Host, spec: ServerSpec) -> Dict[str, str]:
    """The UUID of each filesystem whose device is here, by mount point."""
    links = host.path("/dev/disk/by-uuid")
    names = sorted(os.listdir(links)) if os.path.isdir(links) else []
    real = {host.real("/dev/disk/by-uuid/" + name): name for name in names}
    uuid_by_mount = {item.mount: real.get(node(host, item)) for item in spec.filesystems if node(host, item)}
    return {mount: uuid for mount, uuid in uuid_by_mount.items() if uuid}


def lost(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """What only this server has, where it has the filesystem: the next one would be without it."""
    text = host.read(fstab.PATH) or ""
    for item in spec.filesystems:
        if node(host, item):
            yield from _options(host, item, text)
            yield from _more_mounts(host, item, text)
            yield from _quotas(host, item, spec.settings)
            yield from _units(host, item)
    yield from _others(host, spec, text)


def _options(host: Host, item: Filesystem, text: str) -> Iterator[Remark]:
    """Options of the site's own line that the spec does not give the next server."""
    for line in fstab.lines(text):
        ours = on_mount_point(host, line, item) and means(host, line.device, item) is True
        if not line.active or not ours:
            continue
        if "nofail" not in line.options.split(","):
            message = (
                "{}: fstab lacks nofail there, and a server from an image of this one would wait for it in "
                "its boot{}; fail over to this very server, which adds it, before the next image"
            )
            stops = "" if "_netdev" in line.options.split(",") else ", or stop there: _netdev is missing too"
            yield warning(message, item.mount, stops)
        given = set(item.options.split(",")) | set(_OF_A_MOUNT)
        lacking = [option for option in line.options.split(",") if option not in given]
        odd = [option for option in line.options.split(",") if option in _NOT_PLAIN]
        if odd:
            message = "{}: fstab has {}, expected a plain mount at boot; take that option out"
            yield warning(message, item.mount, ",".join(odd))
        elif lacking:
            message = "{}: fstab has {}, which the spec's options lack; add them to the filesystem's options"
            yield warning(message, item.mount, ",".join(lacking))


def _more_mounts(host: Host, item: Filesystem, text: str) -> Iterator[Remark]:
    """Other mounts out of it, by the kernel and by fstab."""
    device = node(host, item)
    now = {other.mount for other in mounts(host) if host.real(other.source) == device}
    lines = {line.mount for line in fstab.lines(text) if line.active and lines_with(host, item)(line)}
    more = sorted((now | lines) - {item.mount})
    if more:
        message = (
            "{}: mounted here as {} too, which the spec lacks; the next server needs its own lines for that"
        )
        yield warning(message, item.mount, ", ".join(more))


def _quotas(host: Host, item: Filesystem, carried: Sequence[str]) -> Iterator[Remark]:
    options = [mounted.options for mounted in mounted_on(host, item.mount)[-1:]]
    files = [name for name in _QUOTAS if name not in carried and (host.read(name) or "").strip()]
    if files and any("prjquota" in text or "pquota" in text for text in options):
        message = (
            "{}: its project quotas are named in {} on this server's own disk; copy them to the next server"
        )
        yield warning(message, item.mount, " and ".join(files))


def _units(host: Host, item: Filesystem) -> Iterator[Remark]:
    """A unit of its own mounts it again at boot, whatever is in fstab (systemd.mount(5))."""
    name = re.sub("[^A-Za-z0-9:_./]", _escaped, item.mount.strip("/")).replace("/", "-")
    for kind in (".mount", ".automount"):
        path = "/etc/systemd/system/" + name + kind
        if os.path.exists(host.path(path)):
            text = "{}: {} mounts it too, and a release leaves that; remove it, fstab is enough"
            yield warning(text, item.mount, path)


def _escaped(match: Match[str]) -> str:
    return "\\x{:02x}".format(ord(match.group()))  # systemd-escape(1)


def _others(host: Host, spec: ServerSpec, text: str) -> Iterator[Remark]:
    """Lines of fstab for what else lies in the spec's groups."""
    groups = [group.name for group in spec.volume_groups]
    known = [item.mount for item in spec.filesystems]
    for line in fstab.lines(text):
        inside = any(_in_group(line.device, name) for name in groups)
        if line.active and line.mount not in known and inside:
            message = (
                "{}: fstab mounts {} there, which is in the group and not in the spec; add it to the spec"
            )
            yield warning(message, line.mount, line.device)


def _in_group(device: str, group: str) -> bool:
    """Whether this is a logical volume's name; device-mapper doubles the hyphens of names (lvm(8))."""
    mapped = "/dev/mapper/{}-".format(group.replace("-", "--"))
    other = device.startswith(mapped + "-")  # of a group whose name is longer
    return device.startswith("/dev/{}/".format(group)) or (device.startswith(mapped) and not other)
