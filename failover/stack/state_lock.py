"""Where a local Terraform state lies, and who holds its lock: F_GETLK asks the kernel and takes no lock."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover.model.site import Site

STATE_FILE = "terraform.tfstate"
DEFAULT = "default"
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux, fcntl(2): type, whence, start, length, pid


@dataclass(frozen=True)
class StatePlace:
    """The state of the stack in `directory`, as a Terraform with this environment would find it.

    `terraform init` writes a backend's configuration into DATA/terraform.tfstate, and `terraform workspace
    select` the workspace into DATA/environment; DATA is .terraform, or what TF_DATA_DIR names.
    """

    directory: Path
    environment: Mapping[str, str]

    @classmethod
    def of(cls, site: Site) -> StatePlace:
        """The state of the site's stack: its `[terraform.environment]` comes before the operator's own."""
        return cls(site.terraform.directory, {**os.environ, **site.terraform.environment})

    @property
    def data(self) -> Path:
        """Terraform's own folder, which `terraform init` makes."""
        return self.directory / (self.environment.get("TF_DATA_DIR") or ".terraform")

    @property
    def workspace(self) -> str:
        """The workspace that Terraform takes: the environment's, then the chosen one, then the default."""
        if named := self.environment.get("TF_WORKSPACE"):
            return named
        try:
            return (self.data / "environment").read_text().strip() or DEFAULT
        except (OSError, ValueError):
            return DEFAULT

    @property
    def path(self) -> Path:
        """The state where it is a local file: as its backend names it, or by default."""
        kind, config = self._backend()
        named = config if kind == "local" else {}
        if self.workspace == DEFAULT:
            return self.directory / (named.get("path") or STATE_FILE)
        below = named.get("workspace_dir") or "terraform.tfstate.d"
        return self.directory / below / self.workspace / STATE_FILE

    def mark(self) -> tuple[int, ...] | None:
        """What tells one content of the local file from the next; None where it is missing or not the state.

        The file is opened for it: only then a file system over the network asks its server again.
        """
        if self._backend()[0] != "local":
            return None
        try:
            with self.path.open("rb") as stream:
                status = os.fstat(stream.fileno())
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def holder(self) -> str | None:
        """Who holds the lock, for a person; None when nobody does, or the state is in no local file."""
        state = self.path
        try:
            with state.open("rb") as stream:
                query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = fcntl.fcntl(stream.fileno(), fcntl.F_GETLK, query)
        except FileNotFoundError:
            return None
        kind, _, _, _, process = struct.unpack(_FLOCK, answer)
        if kind == fcntl.F_UNLCK:
            return None
        info = state.with_name(f".{state.name}.lock.info")
        return f"{_holder_text(info)}process {process}"

    def _backend(self) -> tuple[str, Mapping[str, Any]]:
        """The kind of backend and its configuration; without one, or with one that is not known, local."""
        try:
            backend = json.loads((self.data / STATE_FILE).read_text())["backend"]
            return str(backend["type"]), dict(backend["config"])
        except (OSError, ValueError, KeyError, TypeError):
            return "local", {}


def _holder_text(info: Path) -> str:
    """What Terraform wrote about itself; "" when the file is gone already. The file outlives a kill."""
    try:
        lock = json.loads(info.read_text())
        action = str(lock["Operation"]).removeprefix("OperationType").lower()
        return f"terraform {action} of {lock['Who']} since {lock['Created']}, "
    except (OSError, ValueError, KeyError):
        return ""
