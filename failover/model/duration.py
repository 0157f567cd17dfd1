"""Seconds and times as people say them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600}
_WRITTEN = re.compile(r"([0-9]{1,6})([smh])")


def duration(seconds: float) -> str:
    """E.g. "4.2 s", "85 s", "10 min", "12 min 4 s", "2 h 5 min"."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def parsed(text: str, longest: float) -> float:
    """Seconds of "90s", "60m" or "2h". Raises ValueError for another form, 0, and more than `longest`."""
    match = _WRITTEN.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= longest:
        raise ValueError(f"{text!r}: expected 60m, 2h or the like, at most {duration(longest)}")
    return float(seconds)


def moment(at: datetime) -> str:
    """A time that reads the same everywhere: UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
