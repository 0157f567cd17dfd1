"""Reads beside each other: each has one deadline, and what goes wrong in it is a value."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from failover.model.outcome import FailoverError
from failover.status.sight import Unread

T = TypeVar("T")


class Beside:
    """Reads that were begun. `seconds`: after which none of them is waited for any longer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def begin(self, action: Callable[[], T]) -> Reading[T]:
        """Begin it now, in a thread that does not keep the process."""
        future: Future[T | Unread] = Future()
        threading.Thread(target=lambda: future.set_result(settled(action)), daemon=True).start()
        return Reading(future, self)

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def late(self) -> Unread:
        """What a read comes to that does not end in time."""
        return Unread(f"no answer within {self._seconds:g} s", "look again")


class Reading(Generic[T]):
    """One read under way."""

    def __init__(self, future: Future[T | Unread], of: Beside) -> None:
        self._future = future
        self._of = of

    def result(self) -> T | Unread:
        """What it came to; waits until it ends, or until the deadline of all."""
        try:
            return self._future.result(self._of.left)
        except TimeoutError:
            return self._of.late

    async def arrived(self) -> T | Unread:
        """The same for who waits in an event loop."""
        try:
            async with asyncio.timeout(self._of.left):
                return await asyncio.shield(asyncio.wrap_future(self._future))
        except TimeoutError:
            return self._of.late


def settled(action: Callable[[], T]) -> T | Unread:
    """Its value, or why there is none: whatever a library raises is a reason and never the program's end."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - one read's trouble must not cost the others
        return unread(error)


def unread(error: BaseException) -> Unread:
    """What was raised, as the reason why something is not known."""
    if isinstance(error, FailoverError):
        return Unread(error.reason, error.remedy)
    return Unread(f"{type(error).__name__}: {error}")
