"""What the kernel said of a filesystem since it was mounted, as a pure function."""

import re
from typing import List

_TIME = re.compile(r"^\[[ 0-9.]+\] ")
_BAD = re.compile(r"corrupt|shut|error|xfs_repair", re.IGNORECASE)


def complaints(text: str, device: str) -> List[str]:
    """Lines of dmesg(1) on this device (dm-0) that speak of damage, since it was mounted last.

    XFS: "XFS (dm-0): Corruption of in-memory data detected. Shutting down filesystem", "log I/O error -5",
    "Metadata corruption detected"; ext4: "EXT4-fs error (device dm-0): ...". A log whose beginning was
    overwritten has only what is younger.
    """
    found: List[str] = []
    for line in text.splitlines():
        if device + ")" in line:
            if re.search(r"[Mm]ounting|mounted filesystem", line):
                found = []
            elif _BAD.search(line):
                found.append(_TIME.sub("", line))
    return found
