"""Processor seconds of a guest, by its QEMU process: other work changes them less than wall seconds."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE_SECONDS = 0.2
Sample = tuple[float, float]  # seconds since 1970, processor seconds used until then


class ProcessorMeter:
    """Samples what a process uses, five times a second, from now on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._samples: list[Sample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> list[Sample]:
        """End the sampling; the samples."""
        self._ended.set()
        self._thread.join()
        return self._samples

    def _sample(self) -> None:
        while not self._ended.is_set():
            used = cpu_seconds(self._pid)
            if used is None:
                return
            self._samples.append((time.time(), used))
            self._ended.wait(_PAUSE_SECONDS)


def used_between(samples: Sequence[Sample], start: float, end: float) -> float:
    """Processor seconds between two moments, by the sample next after each; 0.0 without samples."""
    if not samples:
        return 0.0
    times = [at for at, _ in samples]
    first, last = (samples[min(bisect_left(times, at), len(samples) - 1)][1] for at in (start, end))
    return last - first


def cpu_seconds(pid: int) -> float | None:
    """What a process has used until now, its threads included (proc(5): utime, stime); None when it ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
