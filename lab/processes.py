"""Telling whether a process of the lab still runs, from /proc: a pid file alone may name a stranger."""

import time
from pathlib import Path

from lab.machine import HardwareError


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


def await_exit(pid: int, deadline_seconds: float = 10) -> None:
    """Wait until the process is gone. Raises HardwareError at the deadline."""
    end = time.monotonic() + deadline_seconds
    while arguments(pid):
        if time.monotonic() > end:
            raise HardwareError(f"process {pid} still runs {deadline_seconds:g} s after it was killed")
        time.sleep(0.01)
