"""Copies of the hooks in a folder: the one that has the pinned SHA-256, whatever its name is.

Only bytes that were hashed are ever run: what is found is written to root's own folder in /run, and started
from there. A copy that was changed, on the volume or on the image, is passed over and named.
"""

import hashlib
import os
import re
import stat
import sys
from typing import Dict, List, NamedTuple, Optional

from hooks.host import places
from hooks.host.host import Host
from hooks.host.whole_file import opened, put

SHA256 = re.compile("[0-9a-f]{64}")
KEPT = re.compile(r"hooks-[0-9a-f]{16}\.pyz")  # the project's own names; other files there are not touched
LARGEST = 4 << 20  # bytes; the hooks have some 40,000
_PINNED = re.compile(r"^ExecStart=.*loader\.pyz ([0-9a-f]{64})", re.MULTILINE)
_ANY = re.compile(r"hooks[\w.-]*\.pyz")
_NAME = "hooks.pyz"
_MOST = 64  # files that are looked at; there are about as many as versions were in use


class CopyCheck(NamedTuple):
    """The content with the pinned SHA-256, if there is one, and what was found where it was looked for."""

    content: Optional[bytes]
    message: str


def name_of(sha256: str) -> str:
    """The file's name under which a copy is kept: copies of several versions lie side by side."""
    return "hooks-{}.pyz".format(sha256[:16])


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def judge(where: str, content: bytes, pinned: str) -> CopyCheck:
    """The content only when its SHA-256 is the pinned one."""
    sha256 = digest(content)
    if sha256 == pinned:
        return CopyCheck(content, where)
    return CopyCheck(None, "{}: found SHA-256 {}, not run".format(where, sha256[:16]))


def look_in(folder: str, pinned: str) -> CopyCheck:
    """Looks at every `hooks*.pyz` of this folder. Never raises for what lies there."""
    try:
        descriptor = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        return CopyCheck(None, "{}: {}".format(folder, os.strerror(error.errno or 0)))
    try:
        return _looked(descriptor, folder, pinned)
    finally:
        os.close(descriptor)


def _looked(descriptor: int, folder: str, pinned: str) -> CopyCheck:
    names = [name for name in os.listdir(descriptor) if _ANY.fullmatch(name)]
    messages: List[str] = []
    for name in sorted(names, key=lambda name: (name != name_of(pinned), name))[:_MOST]:
        check = judge(os.path.join(folder, name), read(descriptor, name), pinned)
        if check.content is not None:
            return check
        messages.append(check.message)
    return CopyCheck(None, "; ".join(messages) or "{}: no hooks*.pyz in it".format(folder))


def read(folder: int, name: str) -> bytes:
    """A regular file's content, without what follows after LARGEST bytes; empty for what cannot be read."""
    try:
        with opened(name, folder) as file:
            return file.read(LARGEST) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""


def at_boot(host: Host) -> Optional[Dict[str, object]]:
    """Which hooks this host's own loader runs at a boot, and whether they lie on its disk.

    None for a host without a loader: one that was not launched by the stack.
    """
    match = _PINNED.search(host.read(places.UNIT) or "")
    if not match:
        return None
    here = look_in(host.path(places.DISK), match.group(1)).content is not None
    return {"sha256": match.group(1), "here": here}


def own() -> bytes:
    """The zipapp that runs; empty where the hooks run from a checkout. Raises OSError."""
    path = getattr(sys.modules["__main__"], "ARCHIVE", "")
    if not path:
        return b""
    with open(path, "rb") as file:
        return file.read()


def install(host: Host, content: bytes) -> str:
    """Writes it to root's own folder in /run, and gives the file's path. Raises OSError."""
    return _written(host.path(places.RUN), _NAME, content, 0o700)


def keep(host: Host, content: bytes) -> str:
    """Writes it to this host's own disk, for the next boot and for an image of it. Raises OSError."""
    return _written(host.path(places.DISK), name_of(digest(content)), content, 0o755)


def _written(folder: str, name: str, content: bytes, mode: int) -> str:
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(folder, os.O_DIRECTORY)
    try:
        os.fchmod(descriptor, mode)
        put(name, content, descriptor, 0o600)
    finally:
        os.close(descriptor)
    return os.path.join(folder, name)
