"""Folders of records on the data: root's own, in `.nfs-failover` of one filesystem.

Only `open_record` and `label` change the host.
"""

import os
from contextlib import suppress
from typing import Iterable, List, Optional

from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host import mounted_folder, places, text_file
from hooks.host.host import Host

TYPE = "var_lib_nfs_t"  # the policy's for /var/lib/nfs, which both daemons may write
_CONTEXT = "security.selinux"  # the extended attribute (selinux(8))


def home(spec: ServerSpec) -> Filesystem:
    """The filesystem that the records lie on: the first by its mount point."""
    return min(spec.filesystems, key=lambda item: item.mount)


def path(mount: str, name: str) -> str:
    return "/".join((mount, places.DATA, name))


def open_record(host: Host, mount: str, name: str, mode: int) -> int:
    """A descriptor of the folder, made where it is not there yet; never below the mount point. Raises
    HookRefused, OSError."""
    held = [mounted_folder.open_on_mount(host, mount, mount)]
    try:
        for part, bits in ((places.DATA, 0o755), (name, mode)):
            with suppress(FileExistsError):
                os.mkdir(part, bits, dir_fd=held[-1])
            held.append(mounted_folder.open_root_owned(part, held[-1]))
        return held.pop()
    finally:
        for descriptor in held:
            os.close(descriptor)


def is_open(host: Host, pid: str, file: str) -> bool:
    """Whether the process has this file open, by whatever name it knows it (proc_pid_fd(5))."""
    base = "/proc/{}/fd".format(pid)
    wanted = _status(host, file)
    if wanted is None:
        return False
    try:
        names = os.listdir(host.path(base))
    except OSError:
        return False  # MainPID 0, or it has ended meanwhile
    actual = (_status(host, base + "/" + name) for name in names)
    return any(status is not None and os.path.samestat(status, wanted) for status in actual)


def _status(host: Host, file: str) -> Optional[os.stat_result]:
    try:
        return os.stat(host.path(file))
    except OSError:
        return None


def label(host: Host, folder: str) -> None:
    """The type that both daemons may write (chcon(1)); whoever mounts the filesystem with a context of its
    own has it so already."""
    if os.path.exists(host.path(text_file.SELINUX)):
        host.run("chcon", "-R", "-t", TYPE, folder, tolerate={1: "the filesystem has no labels"})


def mislabelled(host: Host, options: str, folders: Iterable[str]) -> List[str]:
    """A text for each folder that has another type: what the daemons would write there is denied. A
    restorecon(8) of the filesystem leaves it so where the policy knows its mount point. `options`: as the
    kernel has them; without `seclabel` nobody can change a label there."""
    if "seclabel" not in options.split(",") or not os.path.exists(host.path(text_file.SELINUX)):
        return []
    types = [(folder, _type(host, folder)) for folder in folders]
    text = "{} has SELinux's type {}, expected {}: its daemon may not write there"
    return [text.format(folder, actual, TYPE) for folder, actual in types if actual not in ("", TYPE)]


def _type(host: Host, folder: str) -> str:
    """Of USER:ROLE:TYPE:LEVEL; empty where there is no label, or no folder."""
    try:
        context = os.getxattr(host.path(folder), _CONTEXT)
    except OSError:
        return ""
    return context.decode("ascii", "replace").split(":")[2]
