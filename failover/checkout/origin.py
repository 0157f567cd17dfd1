"""Which door a switch came through, and what the stack's record says of who switched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.checkout.request import Request, refuse_stale_request
from failover.model.switch_record import Switched
from failover.runs.whoami import who

CLI, GITOPS = "cli", "gitops"


@dataclass(frozen=True)
class Door:
    """`asked`: what the checkout asks for, where it is the checkout and not the operator that asks."""

    name: str = CLI
    asked: Request | None = None

    @property
    def checks_last_switch(self) -> bool:
        """Whether the record of the last switch matters: not to an operator who names the server."""
        return self.asked is not None or self.name != CLI

    def check(self, last: Switched | None) -> None:
        """Raise Refused when going through this door would undo a newer switch."""
        if self.asked is not None:
            refuse_stale_request(self.asked, last)

    def record(self) -> dict[str, str]:
        """The stack's variable `switch`: who, when (now, UTC), and this door."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return {"by": who(os.environ), "at": at, "door": self.name}


COMMAND_LINE = Door()
