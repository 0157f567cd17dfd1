"""The lab's one wait: read until the value is good, or until a deadline that a loaded machine puts off."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Runnable processes for each processor while drills have the machine to themselves.
_ALONE = 2.0
_MOST = 6.0


def slowness() -> float:
    """How many times slower this machine is now than with drills alone, by its load average: 1.0 to 6.0."""
    return min(max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / _ALONE), _MOST)


def until(read: Callable[[], T], seconds: float, pause: float = 0.02) -> T:
    """Read every `pause` seconds until the value is true; the last value, false when it came too late.

    `seconds` are those of a machine that drills have to themselves: a slower one has that many times more.
    Raises what `read` raises.
    """
    start = time.monotonic()
    slower = 1.0
    while True:
        value = read()
        slower = max(slower, slowness())
        if value or time.monotonic() - start > seconds * slower:
            return value
        time.sleep(pause)
