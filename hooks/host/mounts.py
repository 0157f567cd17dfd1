"""What is mounted where, by the kernel's own table: reading it never touches, or hangs on, a mount."""

import re
from typing import List, NamedTuple

from hooks.host.host import Host

_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mounted(NamedTuple):
    """One mount. `root`: the folder of its filesystem that it shows; `parent`: the id of what it lies on."""

    mount: str
    type: str
    source: str
    options: str
    id: str
    parent: str
    root: str


def parse(text: str) -> List[Mounted]:
    """/proc/PID/mountinfo (proc_pid_mountinfo(5)) in mount order; the last on a mount point is on top."""
    entries = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if dash and len(left) >= 6 and len(right) >= 3:
            mount, options, root = _plain(left[4]), left[5] + "," + right[2], _plain(left[3])
            entries.append(Mounted(mount, right[0], _plain(right[1]), options, left[0], left[1], root))
    return entries


def mounts(host: Host) -> List[Mounted]:
    """Everything that is mounted, in mount order."""
    return parse(host.read("/proc/self/mountinfo") or "")


def mounted_on(host: Host, mount: str) -> List[Mounted]:
    """Everything mounted on exactly this mount point, the topmost last."""
    return [item for item in mounts(host) if item.mount == mount]


def swaps(host: Host) -> List[str]:
    """The files and devices that the kernel swaps to (proc_swaps(5))."""
    lines = (host.read("/proc/swaps") or "").splitlines()[1:]
    return [_plain(line.split()[0]) for line in lines if line.strip()]


def _plain(field: str) -> str:
    return _ESCAPE.sub(lambda octal: chr(int(octal.group(1), 8)), field)
