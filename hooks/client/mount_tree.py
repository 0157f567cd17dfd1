"""Which mount a path leads to, by the kernel's table alone: looking can never hang on a dead server."""

import os
from typing import List, Optional

from hooks.host.host import Host
from hooks.host.mounts import Mounted

NFS = ("nfs", "nfs4")
AUTOFS = "autofs"
OVERLAY = "overlay"
_LAYERS = ("lowerdir", "upperdir", "workdir")
_MOST_LINKS = 40  # as the kernel's own limit (path_resolution(7))


def top(table: List[Mounted], path: str) -> Optional[Mounted]:
    """The mount that the normalized `path` leads to: the one that users see there.

    A mount whose own parent was mounted over is in the table, and no path leads to it
    (proc_pid_mountinfo(5): mount ID and parent ID).
    """
    ids = {item.id for item in table}
    roots = [item for item in table if item.mount == "/" and item.parent not in ids]
    current = roots[-1] if roots else None
    for prefix in _prefixes(path):
        current = _over(table, current, prefix) if current else None
    return current


def mounted_at(table: List[Mounted], path: str) -> Optional[Mounted]:
    """The mount whose own mount point `path` is, as users see it; None when it only lies on one."""
    mounted = top(table, path)
    return mounted if mounted is not None and mounted.mount == path else None


def layers(table: List[Mounted], path: str) -> List[Mounted]:
    """What is mounted on this very path, one over the other, the uppermost first."""
    stacked, layer = [], mounted_at(table, path)
    while layer is not None and layer.mount == path and layer not in stacked:
        stacked.append(layer)
        below = [item for item in table if item.id == stacked[-1].parent]
        layer = below[0] if below else None
    return stacked


def _prefixes(path: str) -> List[str]:
    parts = path.split("/")[1:] if path != "/" else []
    return ["/"] + ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _over(table: List[Mounted], current: Mounted, prefix: str) -> Mounted:
    """The uppermost of what was mounted on this path of this mount, one over the other."""
    for _ in table:
        above = [
            item for item in table if (item.parent, item.mount) == (current.id, prefix) and item != current
        ]
        if not above:
            break
        current = above[-1]
    return current


def real_path(host: Host, table: List[Mounted], path: str) -> str:
    """Where the normalized path leads through symbolic links, up to the first network filesystem."""
    done, left, links = "/", [part for part in path.split("/") if part], 0
    while left:
        below, part = top(table, done), left.pop(0)
        here = os.path.normpath(os.path.join(done, part))
        over = mounted_at(table, here)
        remote = any(item is not None and item.type in (*NFS, AUTOFS) for item in (below, over))
        link = None if remote else _link(host, here)
        if link is None or links == _MOST_LINKS:
            done = here
        else:
            links += 1
            done = "/" if link.startswith("/") else done
            left = [piece for piece in link.split("/") if piece not in ("", ".")] + left
    return done


def _link(host: Host, path: str) -> Optional[str]:
    try:
        return os.readlink(host.path(path))
    except OSError:
        return None  # a folder, or not there


def overlaid(mounted: Mounted) -> List[str]:
    """The folders that an overlay is made of, as its options name them; none of another mount."""
    words = [word.partition("=") for word in mounted.options.split(",") if mounted.type == OVERLAY]
    return [path for key, _, paths in words if key in _LAYERS for path in paths.split(":") if path]


def address_of(mounted: Mounted) -> str:
    """The server's address that the kernel has for an NFS mount (nfs(5), addr=); empty without one."""
    addresses = [word[len("addr=") :] for word in mounted.options.split(",") if word.startswith("addr=")]
    return addresses[-1] if addresses else ""
