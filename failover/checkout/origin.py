"""Which door a switch came through, and what the stack's record says of who switched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.checkout.request import NamedServer, refuse_stale_request
from failover.model.switch_record import Switched
from failover.runs.whoami import who

CLI, GITOPS = "cli", "gitops"


@dataclass(frozen=True)
class Door:
    """`named`: the server that the checkout names; None where the operator names it."""

    name: str = CLI
    named: NamedServer | None = None

    @property
    def checks_last_switch(self) -> bool:
        """Whether the record of the last switch matters: not to an operator who names the server."""
        return self.named is not None or self.name != CLI

    def check(self, last: Switched | None) -> None:
        """Raise Refused when going through this door would undo a newer switch."""
        if self.named is not None:
            refuse_stale_request(self.named, last)

    def record(self) -> dict[str, str]:
        """The stack's variable `switch`: who, when (now, UTC), and this door."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return {"by": who(os.environ), "at": at, "door": self.name}


COMMAND_LINE = Door()
