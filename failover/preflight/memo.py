"""Asks each question once, however many checks want its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from failover.model.outcome import FailoverError

T = TypeVar("T")


class Once:
    """Answers by question. The first asker works, the others wait for it; a failure is an answer too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def ask(self, question: Callable[..., T], *args: Hashable) -> T:
        """`question(*args)`, from memory when it was asked before; raises what it raised then."""
        key = (question.__qualname__, args)
        with self._lock:
            known = self._answers.get(key)
            future: Future[T] = known or Future()
            self._answers.setdefault(key, future)
        if known is None:
            try:
                future.set_result(question(*args))
            except BaseException as error:  # noqa: BLE001 - handed to every asker, this one included
                future.set_exception(error)
        return future.result()

    def begin(self, question: Callable[..., object], *args: Hashable) -> None:
        """Ask in the background, for a later `ask`. The thread does not keep the process alive."""
        threading.Thread(target=self._ask_in_background, args=(question, *args), daemon=True).start()

    def _ask_in_background(self, question: Callable[..., object], *args: Hashable) -> None:
        with suppress(FailoverError):  # `ask` raises it
            self.ask(question, *args)
