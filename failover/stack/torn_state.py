"""A local state that a killed Terraform left empty or cut off, and the one of before that lies beside it.

Terraform empties its state file and writes it anew after each change of an apply; it has written the state
of before into a `.backup` by then (terraform/internal/states/statemgr/filesystem.go). What is killed in
between leaves one that Terraform takes for no state at all, or refuses. The state of before is good enough:
what was done since is found in the API, like all that a killed Terraform did not record.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from failover.deadline import until
from failover.model.outcome import Refused
from failover.stack.state_lock import StatePlace

_WRITING_SECONDS = 5.0


@dataclass(frozen=True)
class Torn:
    """`path`: the state file; `size`: its bytes; `backup`: the newest state of before that is whole."""

    path: Path
    size: int
    backup: Path | None

    def __str__(self) -> str:
        how = "cut off" if self.size else "empty"
        return f"{self.path} is {how}: a Terraform was killed while it wrote it"


def torn_in(place: StatePlace) -> Torn | None:
    """None where the state is whole, or is kept elsewhere, or there has never been one."""
    path = place.path

    def read() -> tuple[bool, bytes]:
        is_held = place.holder() is not None  # asked first
        return is_held, path.read_bytes()

    try:  # a Terraform at work may be writing it now
        _, content = until(read, lambda r: not r[0] or _is_whole(r[1]), _WRITING_SECONDS, (0.05,))
    except FileNotFoundError:
        return None
    if _is_whole(content):
        return None
    newest_first = sorted(path.parent.glob(f"{path.name}*.backup"), key=_written, reverse=True)
    backup = next((one for one in newest_first if _is_whole(one.read_bytes())), None)
    # Terraform itself makes an empty file where it locks a state that does not exist yet.
    return Torn(path, len(content), backup) if content or backup else None


def put_back(place: StatePlace, say: Callable[[str], None]) -> None:
    """Write the state of before into a torn file, under Terraform's own lock; tells `say`.

    Raises Refused where there is none, or where another process has come to hold the lock.
    """
    torn = torn_in(place)
    if torn is None:
        return
    if torn.backup is None:
        raise _refusal(torn)
    before = torn.backup.read_bytes()
    # Not a new file in its place: Terraform's lock is on this one (fcntl(2)).
    with torn.path.open("r+b") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"{torn.path} is in use by another process",
                "wait for its end; then run the same command again",
            ) from None
        if not _is_whole(stream.read()):
            stream.seek(0)
            stream.truncate()
            stream.write(before)
            stream.flush()
            os.fsync(stream.fileno())
    say(f"{torn}; the state of before was put back from {torn.backup.name}")


def refuse(place: StatePlace) -> None:
    """Raise Refused for a torn state."""
    if torn := torn_in(place):
        raise _refusal(torn)


def _refusal(torn: Torn) -> Refused:
    if torn.backup is None:
        return Refused(
            f"{torn}, and no state of before lies beside it",
            "put a copy of that file in its place, or move it away and adopt the site again (docs/adopt.md)",
        )
    return Refused(
        f"{torn}; {torn.backup.name} has the state of before",
        f"a failover and a standby command put it back by themselves; "
        f"for anything else: cp {torn.backup} {torn.path}",
    )


def _is_whole(content: bytes) -> bool:
    try:
        document = json.loads(content)
    except ValueError:
        return False
    return isinstance(document, dict) and "version" in document


def _written(path: Path) -> float:
    return path.stat().st_mtime
