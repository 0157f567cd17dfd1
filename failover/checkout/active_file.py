"""active.auto.tfvars: the one line of a checkout that names the active server."""

from __future__ import annotations

from pathlib import Path

from failover.atomic_file import write_whole

ACTIVE_FILE = "active.auto.tfvars"


def write_active(folder: Path, server: str) -> None:
    """Make `server` the folder's active server, atomically, so that no later apply flips it back."""
    write_whole(folder / ACTIVE_FILE, f'active_server = "{server}"\n'.encode())
