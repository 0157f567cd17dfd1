"""Telling whether a process of the lab still runs, from /proc: a pid file alone may name a stranger.

One that does is killed here, too.
"""

import os
import signal
from pathlib import Path

from lab.system.errors import HardwareError
from lab.system.waiting import until


def arguments(pid: int) -> list[str]:
    """The process's argv; empty when it is gone, a zombie, or one of the kernel's."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def pid_of(pid_file: Path, mark: str) -> int | None:
    """The pid in `pid_file` if that process runs and `mark` is in one of its arguments."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if any(mark in word for word in arguments(pid)) else None


def has_ended(pid: int) -> bool:
    """Whether the process is gone or a zombie.

    Its argv is gone earlier, while the kernel still closes its sockets and files (do_exit: exit_mm comes
    before exit_files); what takes its place then finds its address in use.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


def kill(pid: int | None, deadline_seconds: float = 10) -> None:
    """Kill the process (SIGKILL) and wait until it has ended; None is success. Raises HardwareError."""
    if pid is None:
        return
    os.kill(pid, signal.SIGKILL)
    if not until(lambda: has_ended(pid), deadline_seconds, 0.01):
        raise HardwareError(f"process {pid} still runs {deadline_seconds:g} s after it was killed")
