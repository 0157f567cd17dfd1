#!/usr/bin/env python3
"""The drill's lock owner: takes a POSIX lock on a shared file again and again, and logs what became of it.

    lock_logger.py NAME FILE LOG SEED

FILE is on NFS, LOG on the local disk. Each turn of one owner is logged as JSON lines with CLOCK_REALTIME:
`acquire` after the lock was given; `fence` once the counter in FILE was raised by one under the lock and
synced; `confirm` when it was read and synced again; `release` before the lock is let go; or `error` with the
errno, such as EIO (the kernel lost the lock) or ENOLCK. So the times lie within the time of the lock, and two
owners whose times overlap had it at one moment. The counter is the fence number: whoever has the lock later
has a higher one. SIGTERM ends the program after its turn. Python 3.6 and later, standard library only.
"""

import contextlib
import errno
import fcntl
import json
import os
import random
import signal
import sys
import time

HELD_SECONDS = 1.2  # a turn's longest; most of the time one of the owners has the lock
IDLE_SECONDS = 0.6
RETRY_SECONDS = 0.25
CONFIRM_SECONDS = 0.3
REOPEN = 0.25  # of the turns: a new open beside the lock, which a server's grace holds up too
WIDTH = 12


class Owner:
    """One process that asks for the lock, with a schedule drawn from a seed."""

    def __init__(self, name: str, path: str, log: str, seed: int) -> None:
        self.ended = False
        self._name = name
        self._path = path
        self._log = open(log, "a", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115
        self._source = random.Random("{} {}".format(seed, name))  # noqa: S311, UP032
        self._turn = 0
        self._file: int | None = None

    def run(self) -> None:
        """Turn after turn, until it is ended. An error ends the turn, not the program."""
        while not self.ended:
            self._turn += 1
            draws = [self._source.random() for _ in range(3)]
            step = "open"
            try:
                self._open(draws[0] < REOPEN)
                step = "lock"
                if not self._locked():
                    break
                self._note("acquire")
                step = "write"
                self._hold(draws[1] * HELD_SECONDS)
                step = "unlock"
                fcntl.lockf(self._descriptor(), fcntl.LOCK_UN)
            except OSError as error:
                name = errno.errorcode.get(error.errno or 0, str(error.errno))
                self._note("error", errno=name, step=step)
                self._close()  # a lost lock stays with the open file for good
            time.sleep(draws[2] * IDLE_SECONDS)
        self._note("end")

    def _locked(self) -> bool:
        """True once the lock is ours; False when the program is to end before."""
        while not self.ended:
            try:
                fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):  # fcntl(2): another process has it
                    raise
                time.sleep(RETRY_SECONDS * (0.5 + self._source.random()))
            else:
                return True
        return False

    def _hold(self, seconds: float) -> None:
        number = self._read() + 1
        self._write(number)
        self._note("fence", number=number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(CONFIRM_SECONDS, max(0.0, until - time.monotonic())))
            self._confirm("confirm", number)
        self._confirm("release", number)

    def _confirm(self, event: str, number: int) -> None:
        """What the file says now; it is written and synced anew, which fails where the lock was lost."""
        there = self._read()
        if there == number:
            self._write(number)
        self._note(event, number=there)

    def _read(self) -> int:
        text = os.pread(self._descriptor(), WIDTH, 0)
        return int(text) if text.strip() else 0

    def _write(self, number: int) -> None:
        os.pwrite(self._descriptor(), b"%*d" % (WIDTH, number), 0)
        os.fsync(self._descriptor())

    def _open(self, anew: bool) -> None:
        if anew:
            self._close()
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)

    def _descriptor(self) -> int:
        assert self._file is not None, "a turn begins with an open file"  # noqa: S101
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):  # of earlier writes; fsync has reported it already
                os.close(file)

    def _note(self, event: str, **more: object) -> None:
        line = dict(more, at=round(time.time(), 4), client=self._name, event=event, turn=self._turn)
        self._log.write(json.dumps(line, sort_keys=True) + "\n")


def main(argv: "list[str]") -> None:
    """Run the owner that the arguments name, until SIGTERM."""
    owner = Owner(argv[0], argv[1], argv[2], int(argv[3]))

    def end(*_: object) -> None:
        owner.ended = True

    signal.signal(signal.SIGTERM, end)
    owner.run()


if __name__ == "__main__":
    main(sys.argv[1:])
