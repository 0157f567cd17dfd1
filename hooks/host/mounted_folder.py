"""Opens a folder only where it lies on what should be mounted there, and keeps it so while it is open.

Also makes a folder within one that is open.
"""

import os
from typing import Optional

from hooks.host import mounts
from hooks.host.host import HookRefused, Host

DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW
_ELSEWHERE = "it does not lie on what should be mounted on {}; nothing was read or written"
_FOREIGN = "{}: found owner {} and mode {:o}, expected root's own folder; look who made it, then remove it"


def open_on_mount(host: Host, path: str, mount: str) -> int:
    """A descriptor of `path`; raises HookRefused for the empty directory below a mount that is not there.

    While it is open, what it lies on cannot be unmounted: it need not be looked at again.
    """
    descriptor = os.open(host.path(path), os.O_DIRECTORY)
    on = _lies_on(host, descriptor)
    if on is None or on not in mounts.mounted_on(host, mount)[-1:]:
        os.close(descriptor)
        raise HookRefused(_ELSEWHERE.format(mount))
    return descriptor


def _lies_on(host: Host, descriptor: int) -> Optional[mounts.Mounted]:
    """The mount that an open file lies on (proc_pid_fdinfo(5), mnt_id); None when /proc does not tell."""
    mount_id = (host.read("/proc/self/fdinfo/{}".format(descriptor)) or "").partition("mnt_id:")[2].split()
    lines = (host.read("/proc/self/mountinfo") or "").splitlines()
    matching = mounts.parse("\n".join(line for line in lines if line.split(" ")[:1] == mount_id[:1]))
    return matching[0] if matching else None


def make_folder(name: str, base: int, mode: int) -> None:
    """Makes a folder of this name and mode, unless there is one."""
    try:
        os.mkdir(name, mode, dir_fd=base)
    except FileExistsError:
        return
    os.chmod(name, mode, dir_fd=base)  # whatever the umask


def open_root_owned(name: str, base: int) -> int:
    """A descriptor of this folder. Raises HookRefused when a user made it: root does not use that."""
    descriptor = os.open(name, DIRECTORY, dir_fd=base)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & 0o22:
        os.close(descriptor)
        raise HookRefused(_FOREIGN.format(name, status.st_uid, status.st_mode & 0o7777))
    return descriptor
