"""Every wait's one loop: read, judge, pause, until the value is good or the deadline has passed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]
_SAY_SECONDS = 30.0


class Deadline:
    """A moment that many seconds from now, on the clock that is never set (time.monotonic)."""

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds

    @property
    def waited(self) -> float:
        """Seconds since it was set."""
        return time.monotonic() - self._start

    @property
    def left(self) -> float:
        """Seconds until then; 0.0 when it has passed."""
        return max(self._seconds - self.waited, 0.0)


def until(
    read: Callable[[], T],
    good: Callable[[T], object],
    seconds: float,
    pauses: Sequence[float] = (2.0,),
    sleep: Callable[[float], object] | None = None,
) -> T:
    """Read until the value is good; the last value read, which the caller judges.

    `pauses`: seconds between reads, the last one from then on; `sleep`: time.sleep, or
    what notices an interruption meanwhile. The last read comes at the deadline. Raises
    what `read` and `sleep` raise.
    """
    deadline, rest = Deadline(seconds), _endless(pauses)
    while True:
        value = read()
        left = deadline.left
        if good(value) or not left:
            return value
        (sleep or time.sleep)(min(next(rest), left))


async def async_until(
    read: Callable[[], Awaitable[T]],
    good: Callable[[T], object],
    seconds: float,
    pauses: Sequence[float] = (2.0,),
) -> T:
    """As `until`, in the event loop, which does other work in the pauses. Raises what `read` raises."""
    deadline, rest = Deadline(seconds), _endless(pauses)
    while True:
        value = await read()
        left = deadline.left
        if good(value) or not left:
            return value
        await asyncio.sleep(min(next(rest), left))


def _endless(pauses: Sequence[float]) -> Iterator[float]:
    """The pauses, the last one from then on."""
    return chain(pauses, repeat(pauses[-1]))


def until_free(
    holder: Callable[[], str | None], seconds: float, say: Say, pauses: Sequence[float]
) -> str | None:
    """Wait while `holder` names an owner; None when it is free, the owner at the deadline.

    Names the owner to `say` at once and every half minute.
    """
    deadline = Deadline(seconds)
    spoke: list[float] = []

    def read() -> str | None:
        name = holder()
        if name and deadline.left and (not spoke or deadline.waited - spoke[-1] >= _SAY_SECONDS):
            spoke.append(deadline.waited)
            say(f"waiting for {name} ({deadline.waited:.0f} s) ...")
        return name

    return until(read, lambda name: not name, seconds, pauses)
