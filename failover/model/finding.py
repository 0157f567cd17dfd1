"""One thing that was verified, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was verified. `found` says what was seen, for a person; `remedy` what its own is.

    `client`: it concerns one client alone, and is not a fault of the service.
    """

    subject: str
    ok: bool
    found: str
    remedy: str = ""
    client: bool = False
