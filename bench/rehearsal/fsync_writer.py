#!/usr/bin/env python3
"""Writes 4 KiB to a file on NFS again and again, fsync after each, and notes how long both took.

    fsync_writer.py FILE NOTES

NOTES is on the local disk and gets a line "SECONDS-SINCE-1970 LATENCY" for each write, when it has ended, or
"SECONDS-SINCE-1970 error NAME". It goes on after an error.
"""

import errno
import os
import sys
import time

PAUSE_SECONDS = 0.2  # an emulated client with more to do is busy by itself
SIZE = 4096
BLOCKS = 1024  # then from the beginning again: the file has at most 4 MiB


def main(path: str, notes_path: str) -> None:
    """Write until it is ended by a signal."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    number = 0
    with open(notes_path, "a") as notes:  # noqa: PTH123 - a guest's Python
        while True:
            start = time.monotonic()
            try:
                os.pwrite(descriptor, (b"%015d\n" % number) * (SIZE // 16), number % BLOCKS * SIZE)
                os.fsync(descriptor)
                word = f"{time.monotonic() - start:.6f}"
            except OSError as error:
                word = f"error {errno.errorcode.get(error.errno or 0, 'unknown')}"
            notes.write(f"{time.time():.3f} {word}\n")
            notes.flush()
            number += 1
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
