"""The stack's own record of the last switch, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Switched:
    """The stack's own record of the last switch. `door`: cli, gitops, console, or terraform by itself."""

    active: str
    by: str
    at: datetime
    door: str
