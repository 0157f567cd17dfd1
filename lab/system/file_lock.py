"""A lock between the lab's processes and threads; the kernel lets go of it when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.system.errors import HardwareError


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock on file `path`, waiting for it as long as it takes. Not reentrant."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def held_alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock on file `path`, which then has our process number in it; never wait for it.

    Raises HardwareError with `what` and the holder's number when another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise HardwareError(f"{what} (process {file.read().strip() or 'unknown'})") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
