"""Folders of records on the data: root's own, in `.nfs-failover` of one filesystem.

Only `open_record` and `label` change the host.
"""

import os
from contextlib import suppress

from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host import mounted_folder, places, text_file
from hooks.host.host import Host


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


def label(host: Host, folder: str) -> None:
    """The type that the policy has for /var/lib/nfs, which both daemons may write (chcon(1)); whoever mounts
    the filesystem with a context of its own has it so already."""
    if os.path.exists(host.path(text_file.SELINUX)):
        host.run("chcon", "-R", "-t", "var_lib_nfs_t", folder, tolerate={1: "the filesystem has no labels"})
