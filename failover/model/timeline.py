"""A step that was done, and how long it took, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A step that was done, with its wall time in seconds."""

    name: str
    seconds: float
    message: str
