"""What the kernel has in its log of a filesystem: why it was not mounted, and what has befallen it since."""

import re
from typing import List

from hooks.host.host import HookError, Host

_TIME = re.compile(r"^\[ *([0-9.]+)\] ")
_BAD = re.compile(r"corrupt|shut|error|xfs_repair", re.IGNORECASE)


def complaints(text: str, device: str) -> List[str]:
    """Lines of dmesg(1) on this device (dm-0) that speak of damage, since it was mounted last.

    XFS: "XFS (dm-0): Corruption of in-memory data detected. Shutting down filesystem", "log I/O error -5",
    "Metadata corruption detected"; ext4: "EXT4-fs error (device dm-0): ...". A log whose beginning was
    overwritten has only what is younger.
    """
    matching: List[str] = []
    for line in text.splitlines():
        if device + ")" in line:
            if re.search(r"[Mm]ounting|mounted filesystem", line):
                matching = []
            elif _BAD.search(line):
                matching.append(_TIME.sub("", line))
    return matching


def cause(host: Host, device: str, began: float) -> str:
    """The kernel's last line on this device since so many seconds of uptime, as the end of a message."""
    try:
        text = host.run("dmesg", seconds=10.0).out
    except HookError:  # the message is good without it
        return ""
    lines = last(text, device, began)
    return "; the kernel: " + lines[-1] if lines else ""


def last(text: str, device: str, began: float) -> List[str]:
    """Lines of dmesg(1) that name the device, without their times; those from before `began` are left out."""
    matching: List[str] = []
    for line in text.splitlines():
        at = _TIME.match(line)
        if re.search(r"\b{}\b".format(re.escape(device)), line) and not (at and float(at.group(1)) < began):
            matching.append(_TIME.sub("", line))
    return matching
