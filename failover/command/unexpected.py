"""An exception that was not foreseen, as an outcome: unknown, with its place in the source."""

from __future__ import annotations

import errno
import traceback
from datetime import UTC, datetime
from pathlib import Path

from failover.atomic_file import write_whole
from failover.model.outcome import Unknown
from failover.paths import ROOT

_OWN_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def as_unknown(error: Exception, folder: Path | None) -> Unknown:
    """The end of a run for `error`. `folder` gets the traceback; None: there is no site to keep it in."""
    if isinstance(error, OSError) and error.errno in _OWN_DISK:
        where = error.filename or folder or "its folders"
        return Unknown(
            f"this machine's disk: {error.strerror} ({where}, by {_place(error)})",
            "make room there; what was done is in the journal, and the same command goes on from there",
        )
    reason = f"unexpected {type(error).__name__} in {_place(error)}: {' '.join(str(error).split())[:400]}"
    remedy = "what was done is in the journal, and the same command goes on from there; report this"
    return Unknown(reason, f"{remedy}{_kept(error, folder)}")


def _place(error: Exception) -> str:
    """The innermost line of the project's own source: FILE:LINE."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(ROOT) and ".venv" not in f.filename]
    if not ours:
        return "a library"
    return f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}"


def _kept(error: Exception, folder: Path | None) -> str:
    if folder is None:
        return ""
    file = folder / f"traceback-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.txt"
    try:
        write_whole(file, "".join(traceback.format_exception(error)).encode())
    except OSError as failed:
        return f"; its traceback could not be kept in {folder} ({failed.strerror})"
    return f"; its traceback is in {file}"
