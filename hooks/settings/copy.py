"""The copy of a server's settings on the data filesystem: where it lies, and what its manifest says.

`.nfs-failover/settings/` is root's own, mode 0700. `manifest.json` names each file by the SHA-256 of its
text, which is the name of the copy beside it: a manifest never names what was not on disk before it.
"""

import hashlib
import json
import os
import stat
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host import places, whole_file
from hooks.host.host import CommandFailed, Host
from hooks.host.mounted_folder import open_on_mount, open_root_owned
from hooks.host.mounts import mounted_on
from hooks.settings.plain import writable

FOLDERS = (places.DATA, "settings")
MANIFEST = "manifest.json"
MARK = "/var/lib/nfs-failover/settings"  # of the root disk: the manifest that it has taken in, or given
LARGEST = 1 << 20  # bytes of one file
_VERSION = 1
_LONGEST = 64  # characters of a name in messages


class Copy(NamedTuple):
    """A manifest: of which host and time; path -> "sha256", "mode"; unit -> whether it is enabled.

    `state`: what the kernel had, "threads", "versions" and "quotas" (mount -> options). `digest`: of the
    manifest itself.
    """

    filesystem: Filesystem
    digest: str
    host: str
    written: str
    files: Dict[str, Dict[str, Any]]
    units: Dict[str, str]
    state: Dict[str, Any]


def homes(spec: ServerSpec) -> List[Filesystem]:
    """Where a copy may lie, the best place first: one that no client's root can write, then by mount."""
    return sorted(spec.filesystems, key=lambda item: (writable(spec, item), item.mount))


def load(host: Host, spec: ServerSpec) -> Optional[Copy]:
    """The copy in the best place that has one, None when there is none on what is mounted.

    Raises HookError or OSError when one cannot be read, or is not root's own.
    """
    for item in homes(spec):
        copy = _manifest(host, item) if mounted_on(host, item.mount) else None
        if copy:
            return copy
    return None


def _manifest(host: Host, filesystem: Filesystem) -> Optional[Copy]:
    try:
        with opened(host, filesystem) as folder:
            raw = content(folder, MANIFEST)
    except FileNotFoundError:
        return None
    copy = _parsed(filesystem, raw)
    if copy is None:
        text = "{}: found no manifest of settings in it, expected what preflight writes; remove {}"
        name = "/".join((filesystem.mount,) + FOLDERS)
        raise CommandFailed(text.format(name + "/" + MANIFEST, name))
    return copy


def _parsed(filesystem: Filesystem, raw: bytes) -> Optional[Copy]:
    """None when this is no manifest."""
    try:
        fields = json.loads(raw.decode())
        parts = (fields["files"], fields["units"], fields["state"])
        known = fields["version"] == _VERSION and all(isinstance(part, dict) for part in parts)
        names = (str(fields["host"])[:_LONGEST], str(fields["written"])[:_LONGEST])
    except (ValueError, KeyError, TypeError):
        return None
    return Copy(filesystem, digest(raw), *names, *parts) if known else None


@contextmanager
def opened(host: Host, filesystem: Filesystem) -> Iterator[int]:
    """A descriptor of the copy's folder. While it is open the filesystem cannot be unmounted."""
    descriptors = [open_on_mount(host, filesystem.mount, filesystem.mount)]
    try:
        for name in FOLDERS:
            descriptors.append(open_root_owned(name, descriptors[-1]))
        yield descriptors[-1]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def content(folder: int, name: str) -> bytes:
    """The bytes of a file in the folder. Raises CommandFailed when it is not a plain file of root's."""
    with whole_file.opened(name, folder) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > LARGEST:
            text = "{}: found a file of owner {} and {} bytes, expected root's own, plain and at most {}"
            raise CommandFailed(text.format(name, status.st_uid, status.st_size, LARGEST))
        return file.read(LARGEST)


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def is_applied(host: Host, copy: Copy) -> bool:
    """Whether this host's root disk has taken this copy in, or is the one that it was made of.

    Its own files are the truth then: an administrator may have changed them since.
    """
    return (host.read(MARK) or "").strip() == copy.digest
