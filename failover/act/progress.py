"""What the terminal says while a run is under way: what, how long so far, how long it usually takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from failover.act.tally import Tally
from failover.model.duration import duration
from failover.model.nodeset import FEW
from failover.plan.model import Plan, Step, StepKind

Clock = Callable[[], float]
_BAR = 24
_COUNT_SECONDS = 5.0  # between two lines about how far the clients are
_ROWS = 16  # of steps on the board; of a site with hundreds of clients those under way are shown first


class Progress:
    """A line at each step's start and end, with the seconds since the run began."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._start = clock()
        self._counted = self._start - _COUNT_SECONDS

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(f"[{self._clock() - self._start:7.1f} s] {text}", markup=False, soft_wrap=True)

    def watching(self, plan: Plan) -> AbstractContextManager[object]:
        """Around the execution of `plan`; lines need no preparation."""
        del plan
        return nullcontext()

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

    def checked(self, total: int) -> Callable[[int], None]:
        """What a check of so many clients calls with how many have ended: a line now and then."""

        def ended(count: int) -> None:
            if total > FEW and self._clock() - self._counted >= _COUNT_SECONDS:
                self._counted = self._clock()
                self.say(f"clients: {count} checked, {total - count} left")

        return ended

    def counted(self, tally: Tally) -> None:
        """The clients' one line, now and then; at the end the summary, those that failed last."""
        if not tally.left:
            self.say(f"clients: {tally.line}")
            for line in tally.summary():
                self.say(f"clients: {line}")
        elif self._clock() - self._counted >= _COUNT_SECONDS:
            self._counted = self._clock()
            self.say(f"clients: {tally.line}")


@dataclass(frozen=True)
class Row:
    """One step on the board. `started`: clock seconds, None while it waits; `seconds`: None until the end."""

    step: Step
    started: float | None = None
    seconds: float | None = None
    ok: bool = True


class Board:
    """All steps of a plan and how far each is; rich renders it afresh at every refresh."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        clients = {s.name for s in plan.steps if s.kind is StepKind.CLIENT}
        counted = clients if len(clients) > FEW else set()  # their row is the tally's
        self.rows = {s.name: Row(s) for s in plan.steps if s.name not in counted}
        self.tally = Tally(len(counted)) if counted else None
        self._clock = clock

    def started(self, step: Step) -> None:
        """The step is under way from now on."""
        self.rows[step.name] = replace(self.rows[step.name], started=self._clock())

    def ended(self, step: Step, seconds: float, ok: bool) -> None:
        """The step has ended."""
        self.rows[step.name] = replace(self.rows[step.name], seconds=seconds, ok=ok)

    def __rich__(self) -> Table:
        table = board(list(self.rows.values()), self._clock())
        if self.tally:
            table.add_row("clients", self.tally.line, "", "", "")
        return table


class LiveProgress(Progress):
    """On a terminal: the same lines, and under them the board while steps are under way."""

    _board: Board | None = None

    @contextmanager
    def watching(self, plan: Plan) -> Iterator[None]:
        """Show the board for the block; the lines stay when it goes."""
        self._board = Board(plan, self._clock)
        with Live(self._board, console=self._console, refresh_per_second=4, transient=True):
            yield
        self._board = None

    def started(self, step: Step) -> None:
        """A step begins: the board shows it."""
        if self._board:
            self._board.started(step)
        super().started(step)

    def counted(self, tally: Tally) -> None:
        """The board has how far the clients are; their summary stays."""
        if self._board:
            self._board.tally = tally
        if not self._board or not tally.left:
            super().counted(tally)

    def ended(self, step: Step, seconds: float, message: str, ok: bool) -> None:
        """A step has ended: on the board, and for good in a line."""
        if self._board:
            self._board.ended(step, seconds, ok)
        super().ended(step, seconds, message, ok)


def make(console: Console) -> Progress:
    """The display that fits where the output goes: live on a terminal, plain lines elsewhere."""
    return LiveProgress(console) if console.is_terminal else Progress(console)


def board(rows: list[Row], now: float) -> Table:
    """Each step: state, elapsed beside expected, and a bar that is full at the expected time."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("step", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("elapsed", justify="right", no_wrap=True)
    table.add_column("usually", justify="right", no_wrap=True)
    table.add_column("", width=_BAR)
    shown = rows if len(rows) <= _ROWS else sorted(rows, key=_rank)[:_ROWS]
    for row in shown:
        table.add_row(*_cells(row, now))
    if len(rows) > len(shown):
        ended = sum(r.seconds is not None for r in rows)
        table.add_row(f"{len(rows)} steps", f"{ended} ended", "", "", "")
    return table


def _rank(row: Row) -> int:
    if row.seconds is not None:
        return 3 if row.ok else 0
    return 2 if row.started is None else 1


def _cells(row: Row, now: float) -> tuple[Text, Text, str, str, ProgressBar | str]:
    name, usual = Text(row.step.name), duration(row.step.expected_seconds)
    if row.started is None:
        return name, Text("waiting", "dim"), "", usual, ""
    if row.seconds is not None:
        word = Text("done", "green") if row.ok else Text("FAILED", "bold red")
        return name, word, duration(row.seconds), usual, ""
    elapsed = now - row.started
    late = elapsed > row.step.expected_seconds
    word = Text("taking longer", "yellow") if late else Text("under way", "cyan")
    bar = ProgressBar(row.step.expected_seconds, min(elapsed, row.step.expected_seconds), width=_BAR)
    return name, word, duration(int(elapsed)), usual, bar
