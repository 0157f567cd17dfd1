"""The journal and the timeline of one rehearsal: each step is on disk before it begins, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from failover.model.outcome import FailoverError
from failover.model.timeline import Phase
from failover.runs.events import Event
from failover.runs.journal import Journal

T = TypeVar("T")


class RehearsalRecord:
    """Steps one after the other. `before`: called before each; raises where the rehearsal must not go on."""

    def __init__(self, journal: Journal, say: Callable[[str], None], before: Callable[[], None]) -> None:
        self.journal = journal
        self.phases: list[Phase] = []
        self._say = say
        self._before = before

    def step(
        self, name: str, action: Callable[[], T], describe: Callable[[T], str], always: bool = False
    ) -> T:
        """Do it, and return its result.

        `describe`: the result in words. `always`: also when the rehearsal must not go on. Raises what
        `before` and the action raise; the journal then has the action's end as STEP_FAILED.
        """
        if not always:
            self._before()
        self.journal.write(Event.STEP_STARTED, step=name)
        self._say(f"{name} ...")
        start = time.monotonic()
        try:
            result = action()
        except BaseException as error:
            reason = error.reason if isinstance(error, FailoverError) else type(error).__name__
            self._end(Event.STEP_FAILED, name, start, reason)
            raise
        self._end(Event.STEP_DONE, name, start, describe(result))
        return result

    def _end(self, event: Event, name: str, start: float, message: str) -> None:
        seconds = time.monotonic() - start
        self.phases.append(Phase(name, seconds, message))
        self.journal.write(event, step=name, seconds=round(seconds, 3), message=message)
        self._say(f"{name}: {'done' if event is Event.STEP_DONE else 'FAILED'} in {seconds:.1f} s: {message}")

    def seconds(self) -> dict[str, Any]:
        """Wall time of each step, in seconds."""
        return {phase.name: round(phase.seconds, 3) for phase in self.phases}
