"""active.auto.tfvars: the one line of a checkout that names the active server."""

from __future__ import annotations

from pathlib import Path

from failover.atomic_file import write_whole
from failover.checkout.request import LINE

ACTIVE_FILE = "active.auto.tfvars"


def write_active(folder: Path, server: str) -> None:
    """Make `server` the folder's active server, atomically, so that no later apply flips it back.

    What stands beside the line, such as a comment, stays. A file without exactly one such line, or that
    cannot be read, is written anew: this is called in the middle of a switch, and must not stop it.
    """
    path, line = folder / ACTIVE_FILE, f'active_server = "{server}"'
    try:
        text, lines = LINE.subn(lambda _: line, path.read_text())
    except (OSError, UnicodeDecodeError):
        text, lines = "", 0
    write_whole(path, (text if lines == 1 else f"{line}\n").encode())
