"""Edits a text file as a whole: all of it or nothing, seen before it happens, mode and owner kept."""

import difflib
import os
import shutil
from typing import Callable

from hooks.host.host import HookError, Host

SELINUX = "/sys/fs/selinux/enforce"  # there wherever a policy is loaded (selinux(8))


def edit(host: Host, name: str, change: Callable[[str], str], mode: int = 0o644) -> bool:
    """Replaces the file's text by change(text) and shows the diff; False when nothing had to change.

    A missing file counts as empty text and is made with `mode`; a result of empty text removes the file.
    Written beside it, synced and renamed over, so that a full disk or a crash leaves the old file whole.
    A symbolic link is followed. A new file gets SELinux's label of its name. Raises HookError or OSError.
    """
    before = host.read(name)
    after = change(before or "")
    if after == (before or ""):
        return False
    lines = difflib.unified_diff((before or "").splitlines(True), after.splitlines(True), name, name, n=0)
    for line in lines:
        host.note(line)
    path = os.path.realpath(host.path(name))
    if after:
        made = not os.path.exists(path)
        _replace(path, after, mode)
        if made and os.path.exists(host.path(SELINUX)):
            # it has the label of its folder so far, and that may be another one (restorecon(8))
            host.run("restorecon", os.path.dirname(path), path)
    else:
        os.unlink(path)
    _sync_directory(path)
    return True


def _replace(path: str, text: str, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = "{}.nfs-failover.{}".format(path, os.getpid())
    try:
        with open(new, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            _keep_ownership(path, new, mode)
            os.fsync(file.fileno())
        os.rename(new, path)
    except OSError as error:
        if os.path.exists(new):
            os.unlink(new)
        raise HookError("{}: not written, it is as it was: {}".format(path, error)) from None


def _keep_ownership(old: str, new: str, mode: int) -> None:
    if not os.path.exists(old):
        os.chmod(new, mode)
        return
    shutil.copystat(old, new)  # mode and extended attributes: SELinux's label is one
    status = os.stat(old)
    os.chown(new, status.st_uid, status.st_gid)
    os.utime(new)


def _sync_directory(path: str) -> None:
    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
