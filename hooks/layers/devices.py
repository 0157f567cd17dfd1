"""Which block device a line of fstab means: by what it leads to, never by how it is spelled.

Functions with a `host` read it. No function changes it.
"""

import os
import re
from glob import glob
from typing import Dict, List, Optional

from hooks.contract.spec import Filesystem
from hooks.host.host import Host

_NOT_IN_A_LINK = re.compile("[^0-9A-Za-z#+.:=@_\x80-\U0010ffff-]")


def link(source: str) -> str:
    """udev's name for what a tag names (UUID=, LABEL=, PARTUUID=, PARTLABEL=, ID=); else the source."""
    key, equals, value = source.partition("=")
    if not equals or "/" in key:
        return source
    value = value.strip("\"'")
    value = value.lower() if key.endswith("UUID") else value
    coded = _NOT_IN_A_LINK.sub(lambda match: "\\x{:02x}".format(ord(match.group())), value)
    return "/dev/disk/by-{}/{}".format(key.lower(), coded)


def node(host: Host, filesystem: Filesystem) -> Optional[str]:
    """The filesystem's device as the kernel has it now; None where it is not on this host.

    Straight on a volume it is what has its UUID there, at whatever portal: never a clone on another disk.
    """
    if not filesystem.iqns:
        return host.real(filesystem.device)
    named, here = host.real(link(filesystem.device)), places(host, filesystem)
    if named in here:
        return named
    return next((name for name in here if _has_uuid(host, name, filesystem)), None)


def _has_uuid(host: Host, name: str, filesystem: Filesystem) -> bool:
    return tags(host, name).get("UUID", "").lower() == (filesystem.uuid or "").lower()


def places(host: Host, filesystem: Filesystem) -> List[str]:
    """Disks of the volumes that are here, or their partitions: what it may lie on straight."""
    devices: List[str] = []
    for iqn in filesystem.iqns:
        for name in glob(host.path("/dev/disk/by-path/ip-*-iscsi-{}-lun-1".format(iqn))):
            disk = host.real("/dev/disk/by-path/" + os.path.basename(name))
            devices += (partitions(host, disk) or [disk]) if disk else []
    return devices


def means(host: Host, source: str, filesystem: Filesystem) -> Optional[bool]:
    """Whether this source is the filesystem's device; None for one that leads nowhere on this host now.

    None too for a tag that the filesystem has, and another device as well: a clone of it (xfs_admin(8), -U).
    """
    name = link(source)
    real, device = host.real(name), node(host, filesystem)
    if real is None:
        known = name in [link(alias) for alias in filesystem.aliases]
        return known or (None if name.startswith("/dev/") else False)
    if real == device:
        return True
    key, _, value = source.partition("=")
    if (
        name != source
        and device
        and link("{}={}".format(key, content(host, filesystem).get(key, ""))) == name
    ):
        return None
    return False


def content(host: Host, filesystem: Filesystem) -> Dict[str, str]:
    """The tags of the filesystem's device, which is here; empty where nothing could be read."""
    name = node(host, filesystem) if filesystem.iqns else filesystem.device
    return tags(host, name) if name else {}


def tags(host: Host, device: str) -> Dict[str, str]:
    """What the device itself says that is on it: TYPE, UUID, LABEL (blkid(8), -p)."""
    out = host.query("blkid", "-p", "-o", "export", device, tolerate={2: "nothing known on it"}).out
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def whole(host: Host, device: str) -> str:
    """The disk that this partition lies on; the device itself when it is none (sysfs, class/block)."""
    folder = host.path("/sys/class/block/" + os.path.basename(device))
    if not os.path.exists(os.path.join(folder, "partition")):
        return device
    return "/dev/" + os.path.basename(os.path.dirname(os.path.realpath(folder)))


def partitions(host: Host, disk: str) -> List[str]:
    """The partitions of this disk."""
    names = glob(host.path("/sys/class/block/{0}/{0}*/partition".format(os.path.basename(disk))))
    return sorted("/dev/" + name.split("/")[-2] for name in names)
