"""One thing that was verified, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was verified.

    `actual`: what was observed, for a person. `remedy`: its own, if it has one.
    `client`: it concerns one client alone, and is not a fault of the service.
    """

    subject: str
    ok: bool
    actual: str
    remedy: str = ""
    client: bool = False

    def document(self) -> dict[str, object]:
        """JSON-ready values, with the keys that the journal has."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "actual": self.actual,
            "remedy": self.remedy,
            "client": self.client,
        }
