"""What a run did, appended line by line and synced before the next thing happens: runs/<id>/journal.jsonl."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from failover.runs.events import Event


class Journal:
    """Append-only; one line is one JSON object with `at` (UTC, ISO 8601) and `event` (events.py)."""

    def __init__(self, runs: Path, target: str) -> None:
        now = datetime.now(UTC)
        self.id = f"{now:%Y%m%dT%H%M%S}-{now.microsecond // 1000:03d}-{target}"
        self.folder = runs / self.id
        self.folder.mkdir(parents=True)
        self._file = (self.folder / "journal.jsonl").open("a")
        self._lock = threading.Lock()

    def write(self, event: Event, **details: Any) -> None:
        """Append one event and wait until it is on disk."""
        self.write_all([(event, details)])

    def write_all(self, events: Iterable[tuple[Event, Mapping[str, Any]]]) -> None:
        """Append a line for each event and wait until all of them are on disk."""
        at = datetime.now(UTC).isoformat()
        lines = [json.dumps({"at": at, "event": event, **details}) + "\n" for event, details in events]
        with self._lock:
            self._file.write("".join(lines))
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """No more events."""
        self._file.close()


def read(folder: Path) -> list[Mapping[str, Any]]:
    """The events of a run, up to the first line that is none: a crash cuts the last one off."""
    events: list[Mapping[str, Any]] = []
    for line in (folder / "journal.jsonl").read_bytes().splitlines():
        try:
            event = json.loads(line)
            datetime.fromisoformat(event["at"])
            events.append({**event, "event": str(event["event"])})
        except (ValueError, KeyError, TypeError, RecursionError):
            break
    return events
