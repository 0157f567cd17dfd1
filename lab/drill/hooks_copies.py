"""Where a new server may find the hooks in a drill of the console's door, and what becomes of a changed copy.

Nobody runs preflight there: the hooks are put in place by hand, as docs/door-resource-manager.md has it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile

from lab.drill import hooks_server
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, STACK_ZIP, SUCCESSOR
from lab.system.errors import HardwareError

# with the data; on nfs-srv-2's own disk, as an image would have brought them (it stands by); or with the data
# and changed, under the name that our own copy would have, and nowhere else; at a URL alone (it stands by)
PLACES = ("data", "disk", "changed", "url")
# of these the new server has to be there before
STANDING_BY = ("disk", "url")
_DATA, _DISK = "/mnt/a/.nfs-failover", "/opt/nfs-failover"
_MARK = "/run/changed-hooks-ran"
_CHANGED = f"import pathlib\npathlib.Path({_MARK!r}).touch()\nraise SystemExit('this must not run')\n"
_PUT = 'mkdir -p "$1" && base64 -d > "$1/$2" && chmod 600 "$1/$2" && sync -f "$1"'
_MISSING = re.compile(r"nfs-failover: no hooks with SHA-256 .* not run.*")


# what nfs-srv-2's console says of the URL: before it believes that server's certificate, and then
_UNBELIEVED = re.compile(r"metadata key nfs_failover_hooks_url: .*certificate verify failed.*")
_FETCHED = re.compile(r"nfs-failover: the hooks with SHA-256 .*: the URL in metadata key .*")


def url(where: str) -> str:
    """The URL that the stack is given when the hooks are to lie there alone; else empty."""
    return hooks_server.address_on(CLIENT) if where == "url" else ""


def place(lab: Lab, where: str) -> None:
    """Put the hooks of the stack's zip where `where` says. Raises HardwareError."""
    if where == "disk":
        lab.trust_console(SUCCESSOR)
        _put(lab, SUCCESSOR, _DISK, "hooks.pyz", _hooks())
    elif where == "changed":
        _put(lab, SERVER, _DATA, _own_name(), _changed())
    elif where == "url":
        _serve(lab)
    else:
        _put(lab, SERVER, _DATA, "hooks.pyz", _hooks())


def put_right(lab: Lab) -> None:
    """Do what nfs-srv-2's console says, once it says that the copy on the volume is changed and not run.

    Raises HardwareError when it does not say so in time, or when the changed copy did run.
    """
    lab.await_console(SUCCESSOR, _MISSING)
    lab.trust_console(SUCCESSOR)
    if lab.on(SUCCESSOR, "sh", "-c", f"ls {_MARK} 2>/dev/null || true").strip():
        raise HardwareError(f"the changed hooks ran on {SUCCESSOR}: {_MARK} is there")
    _put(lab, SUCCESSOR, _DISK, "hooks.pyz", _hooks())


def _serve(lab: Lab) -> None:
    """An HTTPS server on nfs-cli has them; nfs-srv-2 fetches them once it believes its certificate."""
    certificate = hooks_server.serve(lab, CLIENT, _hooks())
    lab.await_console(SUCCESSOR, _UNBELIEVED)
    lab.trust_console(SUCCESSOR)
    hooks_server.believe(lab, SUCCESSOR, certificate)
    lab.await_console(SUCCESSOR, _FETCHED)
    journal = lab.on(SUCCESSOR, "sudo", "journalctl", "-b", "-o", "cat")
    if hooks_server.KEY in journal:
        raise HardwareError(f"the URL of the hooks, which may be a secret, is in the journal of {SUCCESSOR}")


def require_kept(lab: Lab, server: str) -> None:
    """Raise HardwareError unless a takeover has put the hooks on the volumes, for the next server."""
    path = f"{_DATA}/{_own_name()}"
    actual = lab.on(server, "sudo", "sha256sum", path).split()[0]
    if actual != hashlib.sha256(_hooks()).hexdigest():
        raise HardwareError(f"{path} on {server}: found SHA-256 {actual}, expected that of the stack's hooks")


def _own_name() -> str:
    return f"hooks-{hashlib.sha256(_hooks()).hexdigest()[:16]}.pyz"


def _hooks() -> bytes:
    with zipfile.ZipFile(STACK_ZIP) as packed:
        return packed.read("hooks.pyz")


def _changed() -> bytes:
    """A program that Python would run as it runs the hooks."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__main__.py", _CHANGED)
    return archive.getvalue()


def _put(lab: Lab, server: str, folder: str, name: str, content: bytes) -> None:
    encoded = base64.b64encode(content).decode()
    lab.on(server, "sudo", "sh", "-c", _PUT, "put", folder, name, stdin=encoded)
