"""What was done on a site and when, one line each: runs/history.jsonl. Appended, synced, never rewritten."""

from __future__ import annotations

import enum
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

FILE = "history.jsonl"
STEPS = "steps"  # the fact that holds what steps took: seconds by kind of step


class Kind(enum.StrEnum):
    """What was done. An entry may have another kind: a newer version of this program wrote it."""

    PREFLIGHT = "preflight"
    IMAGE = "image"
    REHEARSAL = "rehearsal"
    BACKUP = "backup"
    FAILOVER = "failover"
    STANDBY = "standby"
    HOLD = "hold"
    MIGRATION = "migration"


@dataclass(frozen=True)
class Entry:
    """One thing that was done. `at`: when it ended, with its time zone. `outcome`: a value of Outcome.

    `facts`: JSON-ready, without secrets. Its `steps` has the seconds of each kind of step
    (failover/plan/model.py) that was done: {"launch": 512.0, "switch": 41.2}; a forecast is made from it.
    """

    kind: str
    at: datetime
    outcome: str
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """All entries of a site, oldest first. `broken`: a line for each that could not be read, for a person."""

    entries: tuple[Entry, ...] = ()
    broken: tuple[str, ...] = ()

    def latest(self, kind: str, outcome: str | None = None) -> Entry | None:
        """The newest entry of this kind, and of this outcome where one is named."""
        entries = (e for e in self.entries if e.kind == kind and outcome in (None, e.outcome))
        return max(entries, key=lambda entry: entry.at, default=None)

    def measured(self, *kinds: str) -> Mapping[str, tuple[float, ...]]:
        """Seconds of each kind of step in the entries of these kinds, oldest first; others are left out."""
        seconds_by_step: dict[str, tuple[float, ...]] = {}
        for entry in (e for e in self.entries if e.kind in kinds):
            steps = entry.facts.get(STEPS)
            for step, seconds in steps.items() if isinstance(steps, Mapping) else ():
                if _is_seconds(seconds):
                    seconds_by_step[step] = (*seconds_by_step.get(step, ()), float(seconds))
        return seconds_by_step


def append(folder: Path, entry: Entry) -> None:
    """Append one entry and wait until it is on the disk. `folder`: the site's runs, made where it is not.

    Two processes at once write one line each. A last line that was cut off is ended first, so that it takes
    no other with it. Raises OSError; ValueError for a time without a zone, and TypeError or ValueError for
    facts that JSON cannot hold: then no line is written.
    """
    line = json.dumps(_document(entry), allow_nan=False).encode() + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("ab+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(line if _ends_whole(stream) else b"\n" + line)
        stream.flush()
        os.fsync(stream.fileno())
    _sync_folder(folder)


def read(folder: Path) -> History:
    """The site's history; an empty one without a file. A line that is broken is named. Raises OSError."""
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return History()
    entries, broken = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            cut = " (the last line: its writer was stopped)" if number == len(lines) else ""
            broken.append(f"{folder / FILE} line {number}{cut}: {type(error).__name__}: {error}")
    return History(tuple(entries), tuple(broken))


def _document(entry: Entry) -> dict[str, Any]:
    if entry.at.tzinfo is None:
        raise ValueError(f"history: {entry.kind} at {entry.at}: expected a time with its zone")
    return {
        "at": entry.at.astimezone(UTC).isoformat(),
        "kind": str(entry.kind),
        "outcome": str(entry.outcome),
        "seconds": round(entry.seconds, 3),
        "facts": dict(entry.facts),
    }


def _entry(document: Mapping[str, Any]) -> Entry:
    at = datetime.fromisoformat(document["at"])
    if at.tzinfo is None or not isinstance(document["facts"], dict) or not _is_seconds(document["seconds"]):
        raise ValueError("expected at with its zone, seconds as a number and facts as an object")
    return Entry(
        str(document["kind"]), at, str(document["outcome"]), float(document["seconds"]), document["facts"]
    )


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _ends_whole(stream: IO[bytes]) -> bool:
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        return True
    stream.seek(size - 1)
    return stream.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """A new file is on the disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
