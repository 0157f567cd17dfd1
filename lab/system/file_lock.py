"""A lock between the lab's processes and threads; the kernel lets go of it when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock on file `path`, waiting for it as long as it takes. Not reentrant."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
