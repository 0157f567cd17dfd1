"""active.auto.tfvars: the one line of a checkout that names the active server."""

from __future__ import annotations

import os
from pathlib import Path

ACTIVE_FILE = "active.auto.tfvars"


def write_active(folder: Path, server: str) -> None:
    """Make `server` the folder's active server, atomically, so that no later apply flips it back."""
    target = folder / ACTIVE_FILE
    temporary = target.with_suffix(".new")
    with temporary.open("w") as stream:
        stream.write(f'active_server = "{server}"\n')
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(target)
