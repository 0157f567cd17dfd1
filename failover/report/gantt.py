"""The timeline as a drawing: where each bar and tick is. Widths in percent, so that text keeps its size."""

from __future__ import annotations

from dataclasses import dataclass

from failover.model.duration import duration
from failover.report.record import CUT_OFF, DONE, NOT_STARTED, RunRecord, StepRecord

ROW = 38  # pixels a row: the name, and the bar under it
HEAD = 22  # pixels for the ticks' labels
_THINNEST = 0.4  # percent, so that the quickest step is still seen
_TICKS = 6
_ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True)
class Bar:
    """One row. `left` and `width` in percent of the drawing, `top` in pixels; width 0: nothing is drawn."""

    name: str
    state: str
    label: str
    left: float
    width: float
    top: int


@dataclass(frozen=True)
class Tick:
    """A vertical line. `left` in percent."""

    label: str
    left: float


@dataclass(frozen=True)
class Drawing:
    """Everything that the SVG consists of. `height` in pixels."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    height: int


def draw(run: RunRecord) -> Drawing:
    """The run's timeline from its beginning to its last moment."""
    span = max([run.seconds, *(s.end for s in run.timeline), 0.001])
    bars = tuple(_bar(s, span, HEAD + i * ROW) for i, s in enumerate(run.timeline))
    return Drawing(bars, _ticks(span), HEAD + len(bars) * ROW + 4)


def _bar(step: StepRecord, span: float, top: int) -> Bar:
    if step.start is None:
        return Bar(step.name, step.state, step.state, 0.0, 0.0, top)
    left = 100 * step.start / span
    width = min(max(100 * step.seconds / span, _THINNEST), 100.0)
    return Bar(step.name, step.state, label(step), round(min(left, 100 - width), 2), round(width, 2), top)


def label(step: StepRecord) -> str:
    """Seconds, and the state unless it is the usual one; only the state where the seconds are not known."""
    if step.state in (NOT_STARTED, CUT_OFF):  # when a step that was cut off ended is not known
        return step.state
    text = duration(step.seconds)
    return text if step.state == DONE else f"{step.state} after {text}"


def _ticks(span: float) -> tuple[Tick, ...]:
    pace = next((r for r in _ROUND if span / r <= _TICKS), _ROUND[-1])
    return tuple(Tick(duration(s), round(100 * s / span, 2)) for s in range(0, int(span) + 1, pace))
