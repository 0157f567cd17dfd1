"""What a run takes off a client and no file tells of: kept on the client until it is mounted again.

Whoever is killed between the cut and the mount leaves this; the same command then goes on from it. It lies in
/run: after a boot such a mount would be gone anyway.
"""

from typing import List

from hooks.host import mounts as mountinfo
from hooks.host import text_file
from hooks.host.host import Host
from hooks.host.mounts import Mounted

FILE = "/run/nfs-failover.mounts"
_TABLE = "/proc/self/mountinfo"


def read(host: Host) -> List[Mounted]:
    """What an earlier run has taken off, and has not mounted again yet. Raises OSError."""
    return mountinfo.parse(host.read(FILE) or "")


def keep(host: Host, mounts: List[Mounted]) -> None:
    """Writes these mounts down, as the kernel's own table has them. Raises HookError or OSError."""
    known = {item.mount for item in read(host)}
    wanted = {item.id for item in mounts if item.mount not in known}
    lines = (host.read(_TABLE) or "").splitlines(True)
    kept = "".join(line for line in lines if line.split(" ")[0] in wanted)
    if kept:
        text_file.edit(host, FILE, lambda text: text + kept, 0o600)


def forget(host: Host) -> None:
    """All of it is mounted again."""
    text_file.edit(host, FILE, lambda _: "")
