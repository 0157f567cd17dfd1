"""Who holds the lock of a local Terraform state: the kernel's answer to F_GETLK, which takes no lock."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from pathlib import Path

STATE_FILE = "terraform.tfstate"
_INFO_FILE = f".{STATE_FILE}.lock.info"
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux, fcntl(2): type, whence, start, length, pid


def holder(directory: Path) -> str | None:
    """The holder for a person; None when nobody holds it, or the state is not in this folder."""
    try:
        with (directory / STATE_FILE).open("rb") as stream:
            query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(stream.fileno(), fcntl.F_GETLK, query))
    except FileNotFoundError:
        return None
    if kind == fcntl.F_UNLCK:
        return None
    return f"{_holder_text(directory / _INFO_FILE)}process {process}"


def _holder_text(info: Path) -> str:
    """What Terraform wrote about itself; "" when the file is gone already. The file outlives a kill."""
    try:
        lock = json.loads(info.read_text())
        action = str(lock["Operation"]).removeprefix("OperationType").lower()
        return f"terraform {action} of {lock['Who']} since {lock['Created']}, "
    except (OSError, ValueError, KeyError):
        return ""
