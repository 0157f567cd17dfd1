"""Seconds as people say them."""

from __future__ import annotations


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
