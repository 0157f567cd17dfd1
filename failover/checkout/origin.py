"""Which door a switch came through, and what the stack's record says of who switched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.checkout.request import Asked, refuse_flip_back
from failover.runs import site_lock
from failover.stack.state import Switched

CLI, GITOPS = "cli", "gitops"
_LONGEST = 200  # characters, as variable `switch` of the stack has it
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Door:
    """`asked`: what the checkout asks for, where it is the checkout and not the operator that asks."""

    name: str = CLI
    asked: Asked | None = None

    @property
    def looks_back(self) -> bool:
        """Whether the record of the last switch matters: not to an operator who names the server."""
        return self.asked is not None or self.name != CLI

    def check(self, last: Switched | None) -> None:
        """Raise Refused when going through this door would undo a newer switch."""
        if self.asked is not None:
            refuse_flip_back(self.asked, last)

    def record(self) -> dict[str, str]:
        """The stack's variable `switch`: who, when (now, UTC), and this door."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return {"by": who(os.environ), "at": at, "door": self.name}


COMMAND_LINE = Door()


def who(environment: Mapping[str, str]) -> str:
    """user@host, or the job of a pipeline and who set it off.

    GitHub's and OCI DevOps' default variables name the job.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        actor, run = environment.get("GITHUB_ACTOR", "somebody"), environment.get("GITHUB_RUN_ID", "?")
        told = f"{actor} (GitHub run {run})"
    elif build := environment.get("OCI_BUILD_RUN_ID"):
        told = f"OCI DevOps build {build}"
    else:
        mine = site_lock.me()
        told = f"{mine['user']}@{mine['host']}"
    return _UNPRINTABLE.sub(" ", told)[:_LONGEST]
