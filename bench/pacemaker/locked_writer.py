#!/usr/bin/env python3
"""Holds a lock on a file of NFS and writes to it, fsync after each; notes each one on the local disk.

    locked_writer.py FILE NOTES

NOTES gets a line "SECONDS" for each write that was acknowledged, or "error NAME" at the end of all of it.
"""

import errno
import fcntl
import os
import sys
import time

PAUSE_SECONDS = 0.5  # as the drill's writer: an emulated client with more to do slows the servers


def main(path: str, notes_path: str) -> None:
    """Write until something fails."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with open(notes_path, "a") as notes:  # noqa: PTH123 - a guest's Python
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            while True:
                os.pwrite(descriptor, b"%.3f\n" % time.time(), 0)
                os.fsync(descriptor)
                notes.write(f"{time.time():.3f}\n")
                notes.flush()
                time.sleep(PAUSE_SECONDS)
        except OSError as error:
            notes.write(f"error {errno.errorcode.get(error.errno or 0, 'unknown')}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
