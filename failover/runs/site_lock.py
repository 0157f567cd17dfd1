"""One run at a time per site: a lock file held by the kernel, so that a killed run never blocks the next."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from failover.model.outcome import Refused
from failover.runs.whoami import me


class SiteLock:
    """A site's lock, held."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path = path
        self._stream = stream

    def assert_held(self) -> None:
        """Raises Refused when another run has taken the site over (`--take-over`) since."""
        mine = os.fstat(self._stream.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            raise Refused(
                f"this site was taken over from this run: {_owner(self._path)}",
                "leave it to that run; `./inv runs` shows it",
            )


@contextmanager
def site_lock(runs: Path, take_over: bool = False) -> Iterator[SiteLock]:
    """Hold the site's lock for the block; raises Refused naming who holds it, where and since when.

    The kernel frees the lock of a process that is gone, so it never has to be taken over from one.
    `take_over` is for an owner that is stuck (a process in state D, a host that holds the folder over NFS):
    the file is put aside, and a run that still holds it stops before its next step.
    """
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / "site.lock"
    if take_over and holder(runs) is not None:
        path.replace(runs / f"site.lock.taken-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another run holds this site: {_owner(path)}",
                "wait until it has ended, then try again; if it is stuck for good, add --take-over",
            ) from None
        stream.truncate(0)
        json.dump(me(), stream)
        stream.flush()
        yield SiteLock(path, stream)


def holder(runs: Path) -> dict[str, object] | None:
    """Who holds the site's lock now: user, host, pid, since; None when nobody does."""
    path = runs / "site.lock"
    if not path.exists():
        return None
    with path.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(path)
    return None


def _owner(path: Path) -> str:
    owner = _read(path)
    if not {"user", "host", "pid", "since"} <= set(owner):  # a disk that is full, a moment too early
        return "its owner has not written its name"
    return f"{owner['user']} on {owner['host']}, process {owner['pid']}, since {owner['since']}"


def _read(path: Path) -> dict[str, object]:
    """What the owner wrote of itself; nothing of it may be there."""
    try:
        owner = json.loads(path.read_bytes() or b"{}")
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}
