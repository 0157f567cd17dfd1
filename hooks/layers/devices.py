"""Which block device a line of fstab means: by what it leads to, never by how it is spelled."""

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
    coded = _NOT_IN_A_LINK.sub(lambda found: "\\x{:02x}".format(ord(found.group())), value)
    return "/dev/disk/by-{}/{}".format(key.lower(), coded)


def means(host: Host, source: str, filesystem: Filesystem) -> Optional[bool]:
    """Whether this source is the filesystem's device; None for one that leads nowhere on this host now.

    None too for a tag that the filesystem has, and another device as well: a clone of it (xfs_admin(8), -U).
    """
    name = link(source)
    found, device = host.real(name), host.real(filesystem.device)
    if found is None:
        known = name in [link(alias) for alias in filesystem.aliases]
        return known or (None if name.startswith("/dev/") else False)
    if found == device:
        return True
    key, _, value = source.partition("=")
    if (
        name != source
        and device
        and link("{}={}".format(key, tags(host, filesystem.device).get(key, ""))) == name
    ):
        return None
    return False


def tags(host: Host, device: str) -> Dict[str, str]:
    """What the device itself says that is on it: TYPE, UUID, LABEL (blkid(8), -p)."""
    out = host.run("blkid", "-p", "-o", "export", device, tolerate={2: "nothing known on it"}).out
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def whole(host: Host, device: str) -> str:
    """The disk that this partition lies on; the device itself when it is none (sysfs, class/block)."""
    folder = host.path("/sys/class/block/" + os.path.basename(device))
    if not os.path.exists(os.path.join(folder, "partition")):
        return device
    return "/dev/" + os.path.basename(os.path.dirname(os.path.realpath(folder)))


def partitions(host: Host, disk: str) -> List[str]:
    """The partitions of this disk."""
    found = glob(host.path("/sys/class/block/{0}/{0}*/partition".format(os.path.basename(disk))))
    return sorted("/dev/" + name.split("/")[-2] for name in found)
