"""Standard streams that outlive their readers: a run goes on when `| head`, a pager or a disk gives up."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO


class _Lasting(io.FileIO):
    """A descriptor whose bytes go nowhere once it takes none: only the printing ends, never the work."""

    _lost = False

    def write(self, data: Any) -> int:
        """All of `data` counts as written. Raises nothing."""
        size = len(data)
        if self._lost:
            return size
        try:
            while (written := super().write(data)) is None:  # somebody has made it non-blocking
                select.select((), (self,), ())
        except (OSError, ValueError) as error:
            self._lost = True
            _tell(self.fileno(), error)
            return size
        return written


def _tell(descriptor: int, error: Exception) -> None:
    """A reader that went away knows it; what a full disk lost is said where that still can be."""
    if descriptor != 1 or (isinstance(error, OSError) and error.errno == errno.EPIPE):
        return
    text = f"standard output takes no more ({error}): the work goes on without it\n"
    with suppress(OSError):  # a progress bar takes sys.stderr for itself, and prints on standard output
        os.write(2, text.encode())


def install() -> None:
    """Have sys.stdout and sys.stderr outlive their readers, and print what their encoding lacks as \\u....

    A standard stream that was closed (`>&-`) becomes /dev/null: a file of ours must not get its number, and
    no verb has to ask whether there is one. Does nothing where somebody else has replaced them (tests).
    """
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return
    _open_closed()
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _lasting(1, sys.stdout)
    sys.stderr = _lasting(2, sys.stderr)


def _open_closed() -> None:
    """open(2) gives the lowest number that is free."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _lasting(descriptor: int, stream: TextIO | None) -> TextIO:
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(descriptor, "w", closefd=False)),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or bool(stream and stream.isatty()),
    )
