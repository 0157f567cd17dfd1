"""What the terminal shows while steps are under way: a board where there is a terminal, else plain lines."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from failover.act.progress import Board, LiveProgress, Progress, Row, board, make
from failover.plan import planner
from tests.unit.failover.plan.site_model import usual

PLAN = planner.make(usual(up=False).observe("nfs-srv-2"))
LAUNCH, FENCE = PLAN.step("launch nfs-srv-2"), PLAN.step("power-off nfs-srv-1")


def terminal() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=100, highlight=False, color_system=None)


def drawn(table) -> list[str]:
    console = terminal()
    console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_lines_where_there_is_no_terminal_and_a_board_where_there_is_one():
    assert type(make(Console(file=StringIO()))) is Progress
    assert type(make(terminal())) is LiveProgress


def test_plain_lines_hold_no_control_characters():
    console = Console(file=StringIO(), highlight=False)
    progress = make(console)
    with progress.watching(PLAN):
        progress.started(LAUNCH)
        progress.ended(LAUNCH, 3.25, "instance i", ok=True)
    text = console.file.getvalue()
    assert "launch nfs-srv-2: done in 3.2 s: instance i" in text
    assert "\x1b" not in text


def test_steps_under_way_are_on_the_board_together_with_elapsed_and_expected():
    now = 100.0
    shown = Board(PLAN, lambda: now)
    shown.started(LAUNCH)
    shown.started(FENCE)
    now = 125.0
    lines = drawn(shown)
    launch, fence = (next(x for x in lines if x.startswith(s.name)) for s in (LAUNCH, FENCE))
    assert launch.split()[2:7] == ["under", "way", "25", "s", "10"]
    assert "under way" in fence
    assert "25 s" in fence
    assert sum("waiting" in line for line in lines) == len(PLAN.steps) - 2


def test_a_step_that_takes_longer_than_usual_and_one_that_failed_are_told_apart():
    late = Row(FENCE, started=0.0)
    failed = Row(LAUNCH, started=0.0, seconds=12.0, ok=False)
    text = "\n".join(drawn(board([late, failed], now=1000.0)))
    assert "taking longer" in text
    assert "FAILED" in text
    assert "12 s" in text


def test_the_board_goes_when_the_steps_are_over_and_the_lines_stay():
    console = terminal()
    progress = make(console)
    with progress.watching(PLAN):
        progress.started(LAUNCH)
        progress.ended(LAUNCH, 3.0, "instance i", ok=True)
    text = console.file.getvalue()
    assert "waiting" in text  # it was there
    assert "launch nfs-srv-2: done in 3.0 s" in text
    assert "\x1b[?25h" in text


def test_of_hundreds_of_clients_those_under_way_are_on_the_board():
    rows = [Row(FENCE, started=0.0, seconds=1.0) for _ in range(300)]
    lines = drawn(board([*rows, Row(LAUNCH, started=0.0)], now=5.0))
    assert len(lines) < 20
    assert lines[1].startswith("launch nfs-srv-2")
    assert lines[-1].split() == ["301", "steps", "300", "ended"]
