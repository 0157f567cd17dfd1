"""One run at a time per site: a lock file held by the kernel, so that a killed run never blocks the next."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from failover.outcome import Refused


@contextmanager
def site_lock(runs: Path) -> Iterator[None]:
    """Hold the site's lock for the block; raises Refused naming who holds it, where and since when."""
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / "site.lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another run holds this site: {_owner(stream.name)}",
                "wait until it has ended, then try again",
            ) from None
        stream.truncate(0)
        json.dump(me(), stream)
        stream.flush()
        yield


def holder(runs: Path) -> dict[str, object] | None:
    """Who holds the site's lock now: user, host, pid, since; None when nobody does."""
    path = runs / "site.lock"
    if not path.exists():
        return None
    with path.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found: dict[str, object] = json.loads(path.read_text() or "{}")
            return found
    return None


def me() -> dict[str, object]:
    """This process: user, host, pid, and the present moment as `since`."""
    return {
        "user": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _owner(path: str) -> str:
    try:
        found = json.loads(Path(path).read_text())
    except json.JSONDecodeError:
        return "its owner has not written its name yet"
    return f"{found['user']} on {found['host']}, process {found['pid']}, since {found['since']}"
