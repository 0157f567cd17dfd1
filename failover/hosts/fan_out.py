"""Many hosts at the same time, in the one event loop: each with its own deadline, none delayed by another."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from failover.hosts.ssh import loop

Item = TypeVar("Item")
Result = TypeVar("Result")

BEGINNINGS = 48  # logins at the same time: each costs this machine some milliseconds, and has a deadline
PATIENCE = 5.0  # seconds after which a login that has not ended no longer holds up the next one


class Pace:
    """At most so many beginnings at one time. One that takes longer than `patience` gives up its place."""

    def __init__(self, beginnings: int = BEGINNINGS, patience: float = PATIENCE) -> None:
        self._free = asyncio.Semaphore(beginnings)
        self._patience = patience

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[[], None]]:
        """A place for the block, for `patience` seconds of it, or until what this gives is called."""
        await self._free.acquire()
        held = [True]

        def give() -> None:
            if held:
                held.clear()
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._patience, give)
        try:
            yield give
        finally:
            timer.cancel()
            give()


class NotBegun(Exception):
    """The fan-out was stopped before this item's work began."""


class FanOut(Generic[Item, Result]):
    """One piece of work for each item; it calls what it is given as soon as its login is through."""

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item, Callable[[], None]], Awaitable[Result]]
    ) -> None:
        self._items = list(items)
        self._work = work
        self._stopped = threading.Event()
        self._ended: queue.SimpleQueue[tuple[Item, Result | BaseException] | None] = queue.SimpleQueue()
        self._running: Future[None] | None = None

    def stop(self) -> None:
        """Begin no other item; those under way go on."""
        self._stopped.set()

    def abandon(self) -> None:
        """End what is under way, logins too, and begin no other item: nobody waits for them any longer."""
        self.stop()
        if self._running is not None:
            self._running.cancel()

    def as_ended(self) -> Iterator[list[tuple[Item, Result | BaseException]]]:
        """What has ended since the last batch, each with its result or what was raised; NotBegun for the rest
        after `stop`. Whoever leaves the loop early ends the work that is under way, as `abandon` does."""
        self._running = loop.begin(self._all())
        self._running.add_done_callback(lambda _: self._ended.put(None))
        try:
            end = False
            while not end:
                batch = [self._ended.get()]
                while not self._ended.empty():
                    batch.append(self._ended.get())
                ended = [one for one in batch if one is not None]
                end = len(ended) < len(batch)
                if ended:
                    yield ended
        finally:
            self._running.cancel()

    async def _all(self) -> None:
        pace = Pace()
        await asyncio.gather(*(self._one(item, pace) for item in self._items))

    async def _one(self, item: Item, pace: Pace) -> None:
        try:
            async with pace.place() as begun:
                stopped = self._stopped.is_set()
                result = NotBegun("not begun") if stopped else await self._work(item, begun)
            self._ended.put((item, result))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for this item
            self._ended.put((item, error))


def results(
    items: Sequence[Item],
    work: Callable[[Item, Callable[[], None]], Awaitable[Result]],
    ended: Callable[[int], None] = lambda _: None,
) -> list[Result]:
    """Every item's result, in the items' order; the first exception is raised when all have ended.

    `ended`: called with the number of items that have ended so far.
    """
    by_number: dict[int, Result | BaseException] = {}
    numbered = FanOut(range(len(items)), lambda number, begun: work(items[number], begun))
    for batch in numbered.as_ended():
        by_number.update(batch)
        ended(len(by_number))
    done: list[Result] = []
    for number in range(len(items)):
        result = by_number[number]
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
