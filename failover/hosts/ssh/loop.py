"""One event loop for all connections, in a thread of its own; callers wait for a result with a deadline."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_RESOLVERS = 32  # names that are looked up at one time; getaddrinfo(3) blocks

logging.getLogger("asyncssh").setLevel(logging.CRITICAL + 1)  # what it would print, the report says
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class _Loop:
    """The loop, started once, although many threads open their first connection at the same moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")
                loop.set_default_executor(resolvers)
                threading.Thread(target=loop.run_forever, name="ssh", daemon=True).start()
                self._running = loop
            return self._running


_LOOP = _Loop()


def call(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises; `work` itself bounds its time."""
    return asyncio.run_coroutine_threadsafe(work, _LOOP.get()).result()


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Begin `work`; the future has its result, and cancels it."""
    return asyncio.run_coroutine_threadsafe(work, _LOOP.get())


def spawn(work: Coroutine[Any, Any, object]) -> None:
    """Begin `work` without waiting for it."""
    asyncio.run_coroutine_threadsafe(work, _LOOP.get())
