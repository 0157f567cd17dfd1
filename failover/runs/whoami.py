"""Who does a run: this process's user, host and number."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

_LONGEST = 200  # characters, as variable `switch` of the stack has it
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


def login() -> str:
    """The name of this process's user; its number where no name is known (a container, a directory that is
    away)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def me() -> dict[str, object]:
    """This process: user, host, pid, and the present moment as `since`."""
    return {
        "user": login(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def who(environment: Mapping[str, str]) -> str:
    """user@host, or the job of a pipeline and who set it off.

    GitHub's and OCI DevOps' default variables name the job.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        actor, run = environment.get("GITHUB_ACTOR", "somebody"), environment.get("GITHUB_RUN_ID", "?")
        text = f"{actor} (GitHub run {run})"
    elif build := environment.get("OCI_BUILD_RUN_ID"):
        text = f"OCI DevOps build {build}"
    else:
        mine = me()
        text = f"{mine['user']}@{mine['host']}"
    return _UNPRINTABLE.sub(" ", text)[:_LONGEST]
