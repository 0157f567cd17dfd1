"""What the terminal says while a run is under way: what, how long so far, how long it usually takes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console

from failover.plan import Step


class Progress:
    """A line at each step's start and end, with the seconds since the run began."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(f"[{time.monotonic() - self._start:7.1f} s] {text}", markup=False, soft_wrap=True)

    def interrupted(self, running: Sequence[Step]) -> None:
        """Ctrl-C was pressed."""
        self.say(
            f"interrupted: waiting for {', '.join(s.name for s in running)} to end; nothing else is begun"
        )

    def started(self, step: Step) -> None:
        """A step begins."""
        self.say(f"{step.name} ... ({step.why}; usually about {step.expected_seconds} s)")

    def ended(self, step: Step, seconds: float, message: str, ok: bool) -> None:
        """A step has ended."""
        self.say(f"{step.name}: {'done' if ok else 'FAILED'} in {seconds:.1f} s: {message}")
