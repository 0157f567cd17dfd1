"""The old server that is kept as it is after a failover, until a moment: runs/hold.json, one for a site."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from failover.atomic_file import write_whole
from failover.model import duration
from failover.model.outcome import Refused, Unknown

FILE = "hold.json"


@dataclass(frozen=True)
class Hold:
    """`server` with its instance is kept for a way back from `successor`. `seconds`: from the run's end on.

    `until`: with its time zone. `volumes`: OCIDs of the volumes that it lost, which a way back is about.
    """

    server: str
    instance_id: str
    successor: str
    run: str
    seconds: float
    until: datetime
    volumes: tuple[str, ...]

    def is_in_force(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return now < self.until

    @property
    def moment(self) -> str:
        """The end, for a person."""
        return duration.moment(self.until)

    @property
    def line(self) -> str:
        """All of it in one sentence, with the two ways out."""
        return (
            f"{self.server} is held until {self.moment}: `./inv rollback` brings the service back to it, "
            "`./inv commit` ends the hold"
        )

    def renewed(self, now: datetime) -> Hold:
        """The same, counted from now on."""
        return replace(self, until=now + timedelta(seconds=self.seconds))

    def document(self) -> dict[str, Any]:
        """The fields of this class by their names, JSON-ready; "until" in ISO 8601, UTC."""
        return {**asdict(self), "until": self.until.astimezone(UTC).isoformat()}


def read(runs: Path) -> Hold | None:
    """The site's hold, also one that has ended; None without one. Raises Unknown for a broken file."""
    path = runs / FILE
    try:
        return _hold(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unknown(
            f"whether a server is held is not known: {path}: {type(error).__name__}: {error}",
            f"read {path}; if no server is to be held, remove it",
        ) from error


def write(runs: Path, hold: Hold) -> None:
    """In the place of the one before. Raises OSError."""
    write_whole(runs / FILE, json.dumps(hold.document(), indent=1).encode() + b"\n")


def remove(runs: Path) -> None:
    """No server is held any longer. Not there is success."""
    (runs / FILE).unlink(missing_ok=True)


def refuse_held(runs: Path, server: str, now: datetime) -> None:
    """Raise Refused while this server is held, Unknown where that cannot be read."""
    hold = read(runs) if server else None
    if hold and hold.server == server and hold.is_in_force(now):
        raise Refused(
            f"{server} is held until {hold.moment}, as the failover to {hold.successor} left it",
            "wait until then; `./inv commit` ends the hold, `./inv rollback` brings the service back to it",
        )


def to_roll_back(runs: Path, now: datetime) -> Hold:
    """The hold that a rollback goes by. Raises Refused without one, and for one that has ended; Unknown."""
    hold = read(runs)
    if hold is None:
        raise Refused(
            "no server is held, so there is nothing to roll back to",
            "`./inv failover --active SERVER` moves the service; its --hold 60m holds the old server",
        )
    if not hold.is_in_force(now):
        raise Refused(
            f"the hold of {hold.server} ended at {hold.moment}",
            f"`./inv reprotect --server {hold.server}` proves that it could take over, then "
            f"`./inv failover --active {hold.server}`",
        )
    return hold


def _hold(document: Mapping[str, Any]) -> Hold:
    until = datetime.fromisoformat(document["until"])
    seconds, volumes = float(document["seconds"]), document["volumes"]
    if until.tzinfo is None or not 0 < seconds < float("inf") or not isinstance(volumes, list) or not volumes:
        raise ValueError("expected until with its zone, seconds above 0 and a list of volumes")
    texts = [document[key] for key in ("server", "instance_id", "successor", "run")]
    if not all(isinstance(text, str) and text for text in (*texts, *volumes)):
        raise ValueError("expected texts as server, instance_id, successor, run and in volumes")
    server, instance_id, successor, run = texts
    return Hold(server, instance_id, successor, run, seconds, until, tuple(volumes))
