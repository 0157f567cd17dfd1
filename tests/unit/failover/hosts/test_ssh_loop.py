"""One event loop for all connections, however many threads ask for it first."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from failover.hosts.ssh import loop


async def running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_threads_that_ask_at_the_same_moment_get_the_same_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, real = 16, asyncio.new_event_loop

    def slowly() -> asyncio.AbstractEventLoop:
        threading.Event().wait(0.05)  # as long as a busy machine may take to make one
        return real()

    monkeypatch.setattr(loop, "_LOOP", loop._Loop())
    monkeypatch.setattr(loop.asyncio, "new_event_loop", slowly)
    together = threading.Barrier(threads)

    def ask(_: int) -> asyncio.AbstractEventLoop:
        together.wait()
        return loop.call(running())

    with ThreadPoolExecutor(threads) as pool:
        found = set(pool.map(ask, range(threads)))
    assert len(found) == 1
    (one,) = found
    one.call_soon_threadsafe(one.stop)
