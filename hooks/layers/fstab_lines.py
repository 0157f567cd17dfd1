"""The lines of a host's fstab that are of the spec's filesystems, by what their devices lead to.

Functions with a `host` read it. Only `enter` and `leave` change it (/etc/fstab).
"""

from typing import Optional

from hooks.contract.paths import normalized
from hooks.contract.spec import Filesystem
from hooks.host import text_file
from hooks.host.host import Host
from hooks.layers import fstab
from hooks.layers.devices import link, means
from hooks.layers.fstab import FstabLine

# names of a device that another boot, or another attachment, gives to others
_FLEETING = ("/dev/sd", "/dev/dm-", "/dev/disk/by-path/")


def entry(host: Host, filesystem: Filesystem, line: Optional[FstabLine] = None) -> str:
    """The line of fstab: the site's own as it is spelled, with the options that it lacks. Without one that
    leads to the device, the check at boot is off because XFS recovers at mount (xfs_repair(8))."""
    options = filesystem.options.split(",")
    if line:
        own = [option for option in line.options.split(",") if option != "ro"]
        options = own + [option for option in options if option not in own + ["defaults"]]
        if means(host, line.device, filesystem) and not line.device.startswith(_FLEETING) and _exact(line):
            return fstab.with_options(line, filesystem.type, ",".join(options))
    return "{} {} {} {} 0 0".format(filesystem.device, filesystem.mount, filesystem.type, ",".join(options))


def satisfied(host: Host, filesystem: Filesystem, line: Optional[FstabLine]) -> bool:
    """An administrator's own line is good when it has at least the spec's options."""
    if line is None or not line.active or line.type not in (filesystem.type, "auto"):
        return False
    lacking = set(filesystem.options.split(",")) - set(line.options.split(",")) - {"defaults"}
    lasting = not filesystem.iqns or not line.device.startswith(_FLEETING)
    return not lacking and lasting and _exact(line) and means(host, line.device, filesystem) is True


def _exact(line: FstabLine) -> bool:
    """Whether systemd and mount(8) both take it. Of a UUID in capitals systemd waits for a link that never
    comes, and unmounts what mount(8), which does not mind, has mounted (systemd.mount(5), BindsTo). Where a
    word, such as a comment, stands for a number, mount(8) has no such line."""
    key, _, value = line.device.partition("=")
    numbers = all(word.isdigit() for word in line.text.split()[4:6])
    return numbers and (not key.endswith("UUID") or value == value.lower())


def on_mount_point(host: Host, line: FstabLine, filesystem: Filesystem) -> bool:
    """Whether the line mounts on the filesystem's mount point: by way of a symbolic link, too, which systemd
    and mount(8) follow."""
    is_device = link(line.device).startswith("/dev/")  # a path below a dead server's mount is not looked at
    return filesystem.mount in (line.mount, host.real(line.mount) if is_device else None)


def lines_of(host: Host, filesystem: Filesystem) -> fstab.Match:
    """Lines on the mount point whose device is the filesystem's. An active one that leads nowhere counts: it
    is of a filesystem that has gone, or of one that has not come yet."""

    def ours(line: FstabLine) -> bool:
        if not on_mount_point(host, line, filesystem):
            return False
        matches = means(host, line.device, filesystem)
        return matches is not False if line.active else matches is True

    return ours


def lines_with(host: Host, filesystem: Filesystem) -> fstab.Match:
    """Lines that cannot be mounted without it: bind mounts out of it, and its device elsewhere."""

    def ours(line: FstabLine) -> bool:
        if {"bind", "rbind"} & set(line.options.split(",")):
            return (normalized(line.device) + "/").startswith(filesystem.mount + "/")
        elsewhere = not on_mount_point(host, line, filesystem)
        return elsewhere and means(host, line.device, filesystem) is True

    return ours


def enter(host: Host, filesystem: Filesystem) -> bool:
    """Has the line in fstab; False when it was there."""
    ours, others = lines_of(host, filesystem), lines_with(host, filesystem)

    def entered(text: str) -> str:
        text = fstab.restore(text, lambda line: ours(line) or others(line))
        line = fstab.best(text, ours)
        kept = satisfied(host, filesystem, line)
        return text if kept else fstab.enable(text, entry(host, filesystem, line), ours)

    return text_file.edit(host, fstab.PATH, entered)


def leave(host: Host, filesystem: Filesystem) -> bool:
    """Takes its lines out of fstab; False when none was active."""
    ours, others = lines_of(host, filesystem), lines_with(host, filesystem)
    return text_file.edit(
        host, fstab.PATH, lambda text: fstab.disable(fstab.disable(text, others, fstab.OFF), ours)
    )
