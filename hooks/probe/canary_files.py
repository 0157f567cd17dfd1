"""The canaries in one open folder: written durably, compared with their manifest, tried by a client.

`.nfs-failover/` is root's own: `canary-1` to `canary-4` keep their first content for good, `fresh-N` is new
with each manifest, N being its serial. The manifest names only files that were on disk before it, whatever is
cut off when. In `.nfs-failover/probe/` may write whoever the export makes of a client's root (exports(5)).
"""

import hashlib
import json
import os
import time
from typing import Any, Dict, Optional

from hooks.host import places
from hooks.host.host import CommandFailed
from hooks.host.mounted_folder import DIRECTORY, make_folder, open_root_owned
from hooks.host.whole_file import fill, opened, put

FOLDER = places.DATA
MANIFEST = "manifest.json"
PROBES = "probe"
WRITTEN = "written"
FIXED = ("canary-1", "canary-2", "canary-3", "canary-4")
SIZE = 65536
_LEFT_BEHIND_SECONDS = 3600
_OTHER = "{}: found {}, expected what was written there until {}"
Manifest = Dict[str, Any]


def read(folder: int) -> Manifest:
    """The manifest, once every file of it was read and is as it was written.

    Raises CommandFailed naming the first file that is not, FileNotFoundError when there is no manifest.
    """
    text = _content(MANIFEST, folder)
    try:
        manifest: Manifest = json.loads(text.decode())
        files, written, _ = sorted(manifest["files"].items()), manifest["written"], int(manifest["serial"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandFailed("{}: found no manifest in it".format(MANIFEST)) from None
    for name, expected in files:
        try:
            right, actual = _digest(_content(os.path.basename(name), folder)) == expected, "other content"
        except OSError as error:
            right, actual = False, str(error)
        if not right:
            raise CommandFailed(_OTHER.format(name, actual, written))
    return manifest


def _content(name: str, folder: int) -> bytes:
    """From the disk or the server: what the page cache has of it is dropped first (posix_fadvise(2))."""
    with opened(name, folder) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read(2 * SIZE)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(base: int, writer: Optional[int]) -> Manifest:
    """Writes the next manifest and its fresh file in `base`; `writer`: a uid for clients' probes, if any.

    Canaries that are not as they were written are evidence: CommandFailed as of `read`, and they stay.
    """
    make_folder(FOLDER, base, 0o755)
    folder = open_root_owned(FOLDER, base)
    try:
        before = read(folder)
    except FileNotFoundError:
        before = {"serial": 0, "files": {}}
    serial = int(before["serial"]) + 1
    files = {name: before["files"].get(name) or _new(name, folder) for name in FIXED}
    fresh = "fresh-{}".format(serial)
    files[fresh] = _new(fresh, folder)
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    manifest = {"serial": serial, "written": written, "files": files}
    put(MANIFEST, json.dumps(manifest, sort_keys=True).encode(), folder)
    if writer is not None:
        _make_room(writer, folder)
    # the files of the manifest before stay for one who has just read it
    for name in set(os.listdir(folder)) - set(before["files"]) - {fresh}:
        if name.startswith("fresh-"):
            os.unlink(name, dir_fd=folder)
    return manifest


def _new(name: str, folder: int) -> str:
    content = os.urandom(SIZE)
    put(name, content, folder)
    return _digest(content)


def _make_room(writer: int, folder: int) -> None:
    """For clients' writes; what a client that died has left is removed."""
    make_folder(PROBES, folder, 0o700)
    probes = os.open(PROBES, DIRECTORY, dir_fd=folder)
    if os.fstat(probes).st_uid != writer:
        os.chown(probes, writer, -1)
    for name in os.listdir(probes):
        if os.stat(name, dir_fd=probes, follow_symlinks=False).st_mtime < time.time() - _LEFT_BEHIND_SECONDS:
            os.unlink(name, dir_fd=probes)


def try_write(folder: int) -> str:
    """WRITTEN when a file of its own went to the server and came back from there the same, else why not."""
    try:
        return _tried(os.open(PROBES, DIRECTORY, dir_fd=folder))
    except OSError as error:
        return os.strerror(error.errno or 0)


def _tried(probes: int) -> str:
    name, content = os.urandom(16).hex(), os.urandom(4096)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=probes)
    try:
        fill(descriptor, content, 0o600)
        return WRITTEN if _content(name, probes) == content else "other bytes came back than were written"
    finally:
        os.unlink(name, dir_fd=probes)
