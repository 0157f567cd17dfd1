"""What the drill's writer on the client was promised, held against what is in the file on the server."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lab.site.nfs_site import ADDRESSES, CLIENT
from lab.site.ssh_access import GuestAccess
from lab.system.errors import HardwareError
from lab.system.waiting import until

ACKNOWLEDGED = "/var/lib/drill/acknowledged"
_WAIT_SECONDS = 180


@dataclass(frozen=True)
class Record:
    """`acknowledged`: (number, the client's time in seconds) as noted; `written`: numbers in the file;
    `since`: how many were acknowledged when the writer was started last."""

    acknowledged: tuple[tuple[int, float], ...]
    written: tuple[int, ...]
    since: int = 0

    @property
    def lost(self) -> list[int]:
        """Acknowledged numbers that are not in the file."""
        there = set(self.written)
        return [number for number, _ in self.acknowledged if number not in there]

    @property
    def in_order_once(self) -> bool:
        """Whether the numbers in the file rise, so that none is there twice."""
        return all(earlier < later for earlier, later in pairwise(self.written))

    @property
    def outage_seconds(self) -> float:
        """The longest time without an acknowledgement: last before the failure to first after it."""
        times = [at for _, at in self.acknowledged[self.since :]]
        return round(max((later - earlier for earlier, later in pairwise(times)), default=0.0), 3)


class Witness:
    """The writer's notes on the client, and the file it writes."""

    def __init__(self, access: GuestAccess, folder: str) -> None:
        self._access = access
        self._records = f"{folder}/records"  # as the server sees the file
        self._counted = 0

    def await_records(self, count: int) -> None:
        """Wait until `count` more records are acknowledged. Raises HardwareError at the deadline."""
        before = self._count()
        if until(lambda: self._count() >= before + count, _WAIT_SECONDS, 0.5):
            return
        raise HardwareError(
            f"{CLIENT} acknowledged {self._count() - before} records in {_WAIT_SECONDS} s, "
            f"expected {count}: it cannot write to the file system"
        )

    def stop(self) -> None:
        """Stop the writer."""
        self._access.run(ADDRESSES[CLIENT], ["sudo", "systemctl", "stop", "drill-writer.service"])

    def go_on(self) -> None:
        """Start the writer again; the pause until then is not counted as outage."""
        self._counted = self._count()
        self._access.run(ADDRESSES[CLIENT], ["sudo", "systemctl", "start", "drill-writer.service"])

    def read(self, server: str) -> Record:
        """The writer's notes, and its file on the server at this address; stop the writer first."""
        notes = self._access.run(ADDRESSES[CLIENT], ["cat", ACKNOWLEDGED])
        lines = self._access.run(server, ["sudo", "cat", self._records])
        return Record(parse_notes(notes), tuple(int(line) for line in lines.splitlines()), self._counted)

    def lose(self, server: str, number: int) -> None:
        """Remove one record from the file on the server: the drill must notice."""
        self._access.run(server, ["sudo", "sed", "-i", f"/^{number:08d}$/d", self._records])

    def _count(self) -> int:
        # -s: before its first record the writer has no notes yet
        count = self._access.run(ADDRESSES[CLIENT], ["sh", "-c", f"grep -sc . {ACKNOWLEDGED} || true"])
        return int(count.strip() or 0)


def parse_notes(text: str) -> tuple[tuple[int, float], ...]:
    """The notes' complete lines as (number, seconds)."""
    fields = (line.split() for line in text.splitlines(keepends=True) if line.endswith("\n"))
    return tuple((int(number), float(at)) for number, at in fields)
