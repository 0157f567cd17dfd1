#!/usr/bin/env python3
"""The drill's witness: appends numbered records on NFS, fsync after each, and notes what was acknowledged.

    writer.py MOUNT FILE ACKNOWLEDGED

FILE is below MOUNT; ACKNOWLEDGED is on the local disk, one line "NUMBER SECONDS" per record whose fsync
returned. A supervisor starts a worker, and another one when the file system under MOUNT has become another:
the old worker may hang on the dead server for ever, in a sleep that no signal ends.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

# The outage is as exact as this. With five records a second an emulated client was busy for an eighth of its
# time, and the server with it.
PAUSE_SECONDS = 0.5
MOUNTS = "/proc/self/mountinfo"


def supervise(mount: str, path: str, acknowledged: str) -> None:
    """Keep one worker on the file system that is mounted now."""
    with open(MOUNTS) as table:  # noqa: PTH123 - kept open: the kernel remembers for it what it has reported
        changes = select.poll()
        changes.register(table, select.POLLPRI | select.POLLERR)  # proc(5): the mount table has changed
        while True:
            current = mounted(mount)
            if not current:
                changes.poll(1000)
                continue
            worker = subprocess.Popen([sys.executable, __file__, "worker", mount, path, acknowledged])
            # to read the table ten times a second took a fifth of an emulated processor
            while worker.poll() is None:
                if changes.poll(200) and mounted(mount) not in (current, None):
                    break
            worker.kill()  # not waited for: it may never end
            time.sleep(0.1)


def mounted(mount: str) -> "tuple[str, str] | None":
    """(mount id, source) of the NFS file system mounted last at `mount`, None when there is none."""
    lines = [line for line in mounts() if line[1] == mount and line[2].startswith("nfs")]
    return (lines[-1][0], lines[-1][3]) if lines else None


def mounts() -> Iterator[tuple[str, str, str, str]]:
    """(mount id, mount point, type, source) of each line of /proc/self/mountinfo, see proc(5)."""
    for line in Path(MOUNTS).read_text().splitlines():
        fields = line.split()
        dash = fields.index("-")
        yield fields[0], fields[4], fields[dash + 1], fields[dash + 2]


def work(mount: str, path: str, acknowledged: str) -> None:
    """Append records for ever; picks up where the file and the notes end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    now = mounted(mount)
    if now is None or mount_id(descriptor) != now[0]:
        sys.exit("the file is not on NFS")  # never write below a mount point that nothing is mounted on
    noted = last_number(Path(acknowledged))
    number = settle(descriptor) + 1
    with Path(acknowledged).open("a") as notes:
        # what reached the file but was not noted is noted now: it must not be written twice
        for late in range(noted + 1, number):
            note(notes, late)
        number = max(number, noted + 1)  # fewer in the file than noted is a loss: the gap stays visible
        while True:
            os.write(descriptor, b"%08d\n" % number)
            os.fsync(descriptor)
            note(notes, number)
            number += 1
            time.sleep(PAUSE_SECONDS)


def mount_id(descriptor: int) -> str:
    """The mount that an open file is on."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("mnt_id:"))


def settle(descriptor: int) -> int:
    """Cut off a torn last line, make the rest durable; the last number in the file, -1 when it is empty."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 4096)
    tail = os.pread(descriptor, size - start, start)
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) != len(tail):
        os.ftruncate(descriptor, start + len(whole))
    os.fsync(descriptor)
    return int(whole.splitlines()[-1]) if whole else -1


def last_number(acknowledged: Path) -> int:
    """The last number that is noted, -1 before the first."""
    if not acknowledged.exists():
        return -1
    lines = [line for line in acknowledged.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return int(lines[-1].split()[0]) if lines else -1


def note(notes: TextIO, number: int) -> None:
    """Note one acknowledged record with the time, durably."""
    notes.write(f"{number} {time.time():.3f}\n")
    notes.flush()
    os.fsync(notes.fileno())


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(*sys.argv[2:])
    else:
        supervise(*sys.argv[1:])
