"""What an outage for an image will be: said before the question. Pure."""

from __future__ import annotations

from dataclasses import dataclass

OUTAGE = "outage_seconds"  # the fact of an entry in the history
_LISTED = 8


@dataclass(frozen=True)
class Outage:
    """`clients`: who hangs meanwhile. `measured`: seconds of the last one here. `by_itself`: seconds after
    which the server brings the service back when this machine is silent, before the image is begun and after.
    """

    clients: tuple[str, ...]
    measured: float | None
    by_itself: tuple[float, float]

    def lines(self, server: str) -> list[str]:
        """For a person, before the question."""
        before, after = self.by_itself
        took = (
            f"the last one here took {self.measured:.0f} s"
            if self.measured is not None
            else "not measured here yet: the stop, the start, and the minutes in which OCI images the server"
        )
        more = f" and {len(self.clients) - _LISTED} more" if len(self.clients) > _LISTED else ""
        return [
            f"   outage: {took}",
            f"   {len(self.clients)} clients wait for it (hard mounts; soft ones get I/O errors): "
            f"{', '.join(self.clients[:_LISTED])}{more}",
            f"   if this command ends midway, {server} brings the service back by itself: at the latest "
            f"{before:.0f} s after it was stopped, {after:.0f} s after the image was begun, and at a boot",
        ]
