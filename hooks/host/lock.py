"""One change at a time on a host: the boot service and an operator's command never interleave.

Who holds the lock writes into it what it does, and who waits for it says so: what the other one did counts.
"""

import fcntl
import json
import os
from contextlib import contextmanager
from typing import IO, Iterator

from hooks.host.host import Host, OutOfTime

_LOCK = "/run/nfs-failover.lock"
_EVERY = 10.0
_PAUSE = 0.1  # a takeover begins where making its host ready ends, and clients wait


class Busy(OutOfTime):
    """Another run has the lock, and goes on."""


@contextmanager
def exclusive(host: Host, action: str) -> Iterator[None]:
    """Holds the host's lock; the deadline begins anew with it. Raises Busy when another run keeps it for all
    the time that this one has.

    The lock is the kernel's (flock(2)), so it dies with its holder and is never stale.
    """
    with open(host.path(_LOCK), "a+") as file:
        _await(host, file)
        host.renew()
        host.note("lock held for {}".format(action))
        began = host.now()
        host.on_step = lambda step: _write(file, [action, os.getpid(), began, step, host.now()])
        host.on_step("looks around")  # what the last holder wrote is not what this one does
        try:
            yield
        finally:
            host.on_step = lambda step: None


def _await(host: Host, file: IO[str]) -> None:
    next_note = host.now()
    while not _try(file.fileno()):
        if host.left() < 1:
            text = "{}, holds the lock. This is not an error: wait, then run the same command again."
            raise Busy(text.format(_holder(host, file)))
        if host.now() >= next_note:
            host.note("waiting for " + _holder(host, file))
            next_note = host.now() + _EVERY
        host.sleep(_PAUSE)


def _holder(host: Host, file: IO[str]) -> str:
    """Times are of the host's own clock since its boot, which the lock's file does not outlive."""
    file.seek(0)
    try:
        action, pid, began, step, since = json.loads(file.read())
    except ValueError:
        return "another run, which has not said yet what it does"
    now, text = host.now(), "{} (process {}, {:.0f} s old), which {} since {:.0f} s"
    return text.format(action, pid, now - began, step, now - since)


def _write(file: IO[str], content: object) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(content))
    file.flush()


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
