"""Executes a plan: a step when its predecessors are done, journalled, stopping at the first failure.

A client that is left (ClientLeft) does not fail the plan: the other clients and the run go on.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol

from failover.model.outcome import ClientLeft
from failover.model.timeline import Phase
from failover.plan.model import Plan, Step
from failover.runs.events import Event
from failover.runs.journal import Journal

_AT_ONCE = 256  # steps; a thread only waits for its host
_LOOK_SECONDS = 0.2  # after which a Ctrl-C is noticed at the latest
StepFunction = Callable[[Step], str]
DetailsFunction = Callable[[Step], Mapping[str, Any]]


class Listener(Protocol):
    """Is called at each step's start and end; the terminal's display is one."""

    def interrupted(self, running: Sequence[Step]) -> None:
        """Ctrl-C: these steps may finish; no other step begins."""

    def started(self, step: Step) -> None:
        """The step begins now."""

    def ended(self, step: Step, seconds: float, message: str, ok: bool) -> None:
        """The step took this long and came to `message`."""


class Execution:
    """One execution of one plan. `phases` grows as steps end, also when a later one fails."""

    def __init__(
        self,
        plan: Plan,
        do: StepFunction,
        journal: Journal,
        listener: Listener,
        details: DetailsFunction = lambda _: {},
        on_interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_interrupt`: called at Ctrl-C; it cancels work that goes on elsewhere."""
        self.plan = plan
        self.phases: list[Phase] = []
        self._do = do
        self._details = details
        self._on_interrupt = on_interrupt
        self._journal = journal
        self._listener = listener

    def run(self) -> None:
        """Do all steps. The first failure is raised after the steps under way beside it have ended."""
        waiting = {s.name: s for s in self.plan.steps}
        running: dict[Future[Phase], Step] = {}
        done: set[str] = set()
        failure: BaseException | None = None
        with (
            _interrupts() as interrupt,
            ThreadPoolExecutor(max_workers=min(max(len(waiting), 1), _AT_ONCE)) as pool,
        ):
            while running or (waiting and failure is None):
                if interrupt.is_set():
                    # A step that is cut off leaves more to find out than one that ends.
                    interrupt.clear()
                    failure = failure or KeyboardInterrupt()
                    self._listener.interrupted(list(running.values()))
                    self._on_interrupt()
                if failure is None:
                    for step in ready(waiting, done):
                        running[pool.submit(self._one, waiting.pop(step.name))] = step
                ended, _ = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in ended:
                    step = running.pop(future)
                    try:
                        self.phases.append(future.result())
                        done.add(step.name)
                    except ClientLeft:
                        pass  # its journal line and the verification report it; no step waits for a client
                    except Exception as error:  # noqa: BLE001 - kept, and raised below
                        # what a step came to tells more than that it was interrupted
                        failure = error if isinstance(failure, KeyboardInterrupt) else failure or error
        if failure is not None:
            raise failure

    def _one(self, step: Step) -> Phase:
        self._journal.write(Event.STEP_STARTED, step=step.name, why=step.why)
        self._listener.started(step)
        start = time.monotonic()
        try:
            message = self._do(step)
        except BaseException as error:
            seconds = time.monotonic() - start
            taken = round(seconds, 3)
            details = self._details(step)
            self._journal.write(
                Event.STEP_FAILED, step=step.name, seconds=taken, reason=str(error), **details
            )
            self._listener.ended(step, seconds, str(error), ok=False)
            raise
        seconds = time.monotonic() - start
        taken = round(seconds, 3)
        self._journal.write(
            Event.STEP_DONE, step=step.name, seconds=taken, message=message, **self._details(step)
        )
        self._listener.ended(step, seconds, message, ok=True)
        return Phase(step.name, seconds, message)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Set by Ctrl-C in the block: an exception could come at any moment, also between a step and its note.

    Where Ctrl-C is ignored (a shell's background job), or this is not the main thread, it stays as it is.
    """
    interrupt = threading.Event()
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return
    signal.signal(signal.SIGINT, lambda *_: interrupt.set())
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ready(waiting: Mapping[str, Step], done: set[str]) -> list[Step]:
    """The waiting steps whose predecessors are all done."""
    return [s for s in waiting.values() if set(s.after) <= done]
