"""Who does a run, and with what: for the journal, so that a report can be read years later."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from failover.bundle import zipapp
from failover.runs import whoami
from failover.stack.runner import StackRunner


def identity(runner: StackRunner) -> dict[str, Any]:
    """`user`, `host`, `pid`, `command` and `versions` of this run, JSON-ready."""
    mine = whoami.me()
    return {
        "user": mine["user"],
        "host": mine["host"],
        "pid": mine["pid"],
        "command": command(sys.argv),
        "versions": {
            "Python": platform.python_version(),
            "Terraform": runner.version(),
            "OCI SDK": metadata.version("oci"),
            "hooks": zipapp.hooks_sha256()[:16],
        },
    }


def command(argv: list[str]) -> str:
    """The command as it would be typed again; `python -m invoke` shows as `./inv`."""
    program = Path(argv[0]).name
    invoked = program in ("invoke", "inv") or Path(argv[0]).parent.name == "invoke"
    return shlex.join(["./inv" if invoked else program, *argv[1:]])
