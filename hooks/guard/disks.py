"""Which disks a device, or the root filesystem, lies on in the end, by sysfs."""

import os
from glob import glob
from typing import List

from hooks.host.host import Host
from hooks.host.mounts import mounts


def root_disks(host: Host) -> List[str]:
    """The disks that / lies on, by the kernel's names."""
    sources = [item.source for item in mounts(host) if item.mount == "/"]
    device = host.real(sources[-1]) if sources else None
    return disks(host, device) if device else []


def disks(host: Host, device: str) -> List[str]:
    """The disks that this device lies on in the end (sysfs: class/block, slaves, partition)."""
    folder = host.path("/sys/class/block/" + os.path.basename(device))
    below = sorted(os.path.basename(name) for name in glob(folder + "/slaves/*"))
    if below:
        return sorted({disk for name in below for disk in disks(host, "/dev/" + name)})
    if os.path.exists(folder + "/partition"):
        return disks(host, os.path.basename(os.path.dirname(os.path.realpath(folder))))
    return [os.path.basename(device)]
