"""Executes a plan: a step when its predecessors are done, journalled, stopping at the first failure.

A client that is left (ClientLeft) does not fail the plan: the other clients and the run go on.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol

from failover.act.tally import Tally
from failover.hosts.fan_out import FanOut, NotBegun
from failover.model.nodeset import FEW
from failover.model.outcome import ClientLeft, ClientSilent
from failover.model.timeline import Phase
from failover.plan.model import Plan, Step, StepKind
from failover.runs.events import Event
from failover.runs.journal import Journal

_AT_ONCE = 32  # steps; a thread only waits for its host. All clients together are one
_LOOK_SECONDS = 0.2  # after which a Ctrl-C is noticed at the latest
StepFunction = Callable[[Step], str]
ClientFunction = Callable[[Step, Callable[[], None]], Awaitable[str]]
DetailsFunction = Callable[[Step], Mapping[str, Any]]


class Listener(Protocol):
    """Is called at each step's start and end; the terminal's display is one."""

    def interrupted(self, running: Sequence[Step]) -> None:
        """Ctrl-C: these steps may finish; no other step begins."""

    def started(self, step: Step) -> None:
        """The step begins now."""

    def ended(self, step: Step, seconds: float, message: str, ok: bool) -> None:
        """The step took this long and came to `message`."""

    def counted(self, tally: Tally) -> None:
        """So far are the clients, where there are more than a few."""


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
        client: ClientFunction | None = None,
    ) -> None:
        """`on_interrupt`: called at Ctrl-C; it cancels work that goes on elsewhere.

        `client`: does a client's step, in the event loop; `do` does it where this is None.
        """
        self.plan = plan
        self.phases: list[Phase] = []
        self._do = do
        self._details = details
        self._on_interrupt = on_interrupt
        self._client = client
        self._fan_out: FanOut[Step, str] | None = None
        self._journal = journal
        self._listener = listener

    def run(self) -> None:
        """Do all steps. The first failure is raised after the steps under way beside it have ended."""
        waiting = {s.name: s for s in self.plan.steps}
        running: dict[Future[list[Phase]], list[Step]] = {}
        done: set[str] = set()
        failure: BaseException | None = None
        _outlive_the_terminal()
        with (
            _interrupts() as interrupt,
            ThreadPoolExecutor(max_workers=min(max(len(waiting), 1), _AT_ONCE)) as pool,
        ):
            while running or (waiting and failure is None):
                if interrupt.is_set():
                    # A step that is cut off leaves more to find out than one that ends.
                    interrupt.clear()
                    failure = failure or KeyboardInterrupt()
                    self._listener.interrupted([step for steps in running.values() for step in steps])
                    self._on_interrupt()
                    if self._fan_out:
                        self._fan_out.stop()
                if failure is None:
                    for steps in self._together(ready(waiting, done)):
                        for step in steps:
                            waiting.pop(step.name)
                        running[pool.submit(self._begun, steps)] = steps
                ended, _ = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in ended:
                    running.pop(future)
                    try:
                        phases = future.result()
                        self.phases += phases
                        done.update(phase.name for phase in phases)
                    except ClientLeft:
                        pass  # its journal line and the verification report it; no step waits for a client
                    except Exception as error:  # noqa: BLE001 - kept, and raised below
                        # what a step came to tells more than that it was interrupted
                        failure = error if isinstance(failure, KeyboardInterrupt) else failure or error
        if failure is not None:
            raise failure

    def _together(self, steps: Sequence[Step]) -> list[list[Step]]:
        """The steps that one thread does: each by itself, and those of all clients together."""
        clients = [s for s in steps if s.kind is StepKind.CLIENT and self._client]
        others = [[s] for s in steps if s.kind is not StepKind.CLIENT or not self._client]
        return others + ([clients] if clients else [])

    def _begun(self, steps: list[Step]) -> list[Phase]:
        if self._client and steps[0].kind is StepKind.CLIENT:
            return self._clients(steps, self._client)
        return [self._one(steps[0])]

    def _clients(self, steps: list[Step], client: ClientFunction) -> list[Phase]:
        """All of them at the same time. A line of the journal for each, synced once for all that ended."""
        began: dict[str, float] = {}

        async def work(step: Step, begun: Callable[[], None]) -> str:
            began[step.name] = time.monotonic()
            return await client(step, begun)

        few, tally, phases = len(steps) <= FEW, Tally(len(steps)), list[Phase]()
        self._journal.write_all((Event.STEP_STARTED, {"step": s.name, "why": s.why}) for s in steps)
        for step in steps if few else ():
            self._listener.started(step)
        failure: BaseException | None = None
        self._fan_out = FanOut(steps, work)
        for batch in self._fan_out.as_ended():
            now = time.monotonic()
            ended = [(step, now - began.get(step.name, now), result) for step, result in batch]
            self._journal.write_all(self._line(*one) for one in ended)
            for step, seconds, result in ended:
                tally.add(step.subject, _how(result), str(result))
                if isinstance(result, str):
                    phases.append(Phase(step.name, seconds, result))
                elif not isinstance(result, ClientLeft | NotBegun):
                    failure = failure or result
                if few:
                    self._listener.ended(step, seconds, str(result), ok=isinstance(result, str))
            if not few:
                self._listener.counted(tally)
        if failure is not None:
            self.phases += phases
            raise failure
        return phases

    def _line(self, step: Step, seconds: float, result: str | BaseException) -> tuple[Event, dict[str, Any]]:
        details = {"step": step.name, "seconds": round(seconds, 3), **self._details(step)}
        if isinstance(result, str):
            return Event.STEP_DONE, {**details, "message": result}
        return Event.STEP_FAILED, {**details, "reason": str(result)}

    def _one(self, step: Step) -> Phase:
        self._journal.write(Event.STEP_STARTED, step=step.name, why=step.why)
        self._listener.started(step)
        start = time.monotonic()
        try:
            message = self._do(step)
        except BaseException as error:
            seconds = time.monotonic() - start
            rounded = round(seconds, 3)
            details = self._details(step)
            self._journal.write(
                Event.STEP_FAILED, step=step.name, seconds=rounded, reason=str(error), **details
            )
            self._listener.ended(step, seconds, str(error), ok=False)
            raise
        seconds = time.monotonic() - start
        rounded = round(seconds, 3)
        self._journal.write(
            Event.STEP_DONE, step=step.name, seconds=rounded, message=message, **self._details(step)
        )
        self._listener.ended(step, seconds, message, ok=True)
        return Phase(step.name, seconds, message)


def _how(result: str | BaseException) -> str:
    if isinstance(result, str):
        return "done"
    return "unreachable" if isinstance(result, ClientSilent) else "failed"


def _outlive_the_terminal() -> None:
    """From the first step to the run's end a terminal that hangs up, such as by a lost login, ends nothing: a
    service that is half moved waits for nobody's next login. What nohup(1) started stays as it is."""
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Set by Ctrl-C, or SIGTERM (a pipeline that is cancelled, a machine that shuts down), in the block.

    An exception could come at any moment, also between a step and its note. A signal that is ignored (Ctrl-C
    in a shell's background job) stays so, and both do where this is not the main thread.
    """
    interrupt = threading.Event()
    ours = threading.current_thread() is threading.main_thread()
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    replaced = {n: handler for n, handler in usual.items() if ours and signal.getsignal(n) is handler}
    for number in replaced:
        signal.signal(number, lambda *_: interrupt.set())
    try:
        yield interrupt
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def ready(waiting: Mapping[str, Step], done: set[str]) -> list[Step]:
    """The waiting steps whose predecessors are all done."""
    return [s for s in waiting.values() if set(s.after) <= done]
