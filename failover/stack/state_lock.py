"""Where a local Terraform state lies, and who holds its lock: F_GETLK asks the kernel and takes no lock."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from pathlib import Path

STATE_FILE = "terraform.tfstate"
DEFAULT = "default"
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux, fcntl(2): type, whence, start, length, pid


def path_of(directory: Path) -> Path:
    """The state of the stack in `directory`, where it is a local file: as its backend names it or by default.

    `terraform init` writes a backend's configuration into .terraform/terraform.tfstate, and `terraform
    workspace select` the workspace into .terraform/environment.
    """
    try:
        backend = json.loads((directory / ".terraform" / STATE_FILE).read_text())["backend"]
        named = backend["config"]["path"] if backend["type"] == "local" else None
    except (OSError, ValueError, KeyError, TypeError):
        named = None
    chosen = workspace(directory)
    below = "" if chosen == DEFAULT else f"terraform.tfstate.d/{chosen}"
    return directory / (named if named and not below else f"{below}/{STATE_FILE}".lstrip("/"))


def workspace(directory: Path) -> str:
    """The workspace that Terraform takes there: the environment's, then the chosen one, then the default."""
    if named := os.environ.get("TF_WORKSPACE"):
        return named
    try:
        return (directory / ".terraform" / "environment").read_text().strip() or DEFAULT
    except (OSError, ValueError):
        return DEFAULT


def holder(directory: Path) -> str | None:
    """The holder for a person; None when nobody holds it, or the state is in no local file."""
    state = path_of(directory)
    try:
        with state.open("rb") as stream:
            query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(stream.fileno(), fcntl.F_GETLK, query))
    except FileNotFoundError:
        return None
    if kind == fcntl.F_UNLCK:
        return None
    info = state.with_name(f".{state.name}.lock.info")
    return f"{_holder_text(info)}process {process}"


def _holder_text(info: Path) -> str:
    """What Terraform wrote about itself; "" when the file is gone already. The file outlives a kill."""
    try:
        lock = json.loads(info.read_text())
        action = str(lock["Operation"]).removeprefix("OperationType").lower()
        return f"terraform {action} of {lock['Who']} since {lock['Created']}, "
    except (OSError, ValueError, KeyError):
        return ""
