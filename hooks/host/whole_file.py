"""Opens and writes a file in a folder that is held open, where no link leads elsewhere."""

import os
from contextlib import contextmanager
from typing import BinaryIO, Iterator


@contextmanager
def opened(name: str, folder: int) -> Iterator[BinaryIO]:
    """`name` in this folder, to read; closed whatever happens. Raises OSError, for a folder too."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # O_NONBLOCK: do not block on a FIFO
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        with open(descriptor, "rb", closefd=False) as file:  # which leaves open what it refuses
            yield file
    finally:
        os.close(descriptor)


def put(name: str, content: bytes, folder: int, mode: int = 0o644) -> None:
    """`name` in this folder gets this content and mode, and is on disk. Raises OSError: it is as it was."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    fill(os.open(name + ".new", flags, mode, dir_fd=folder), content, mode)
    os.rename(name + ".new", name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def fill(descriptor: int, content: bytes, mode: int) -> None:
    """Writes and syncs this open file, and closes it. Raises OSError."""
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
