"""Runs on the terminal: the list of them, and one as a timeline."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from failover.model.duration import moment
from failover.report import conclusions, condense
from failover.report.gantt import draw, label
from failover.report.record import DONE, RunRecord

_BAR = 32


def listing(runs: Sequence[RunRecord]) -> Table:
    """One line a run: id, target, outcome, when, seconds, steps done of all."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("run", "target", "outcome", "began"):
        table.add_column(name, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("steps", justify="right", no_wrap=True)
    for run in runs:
        table.add_row(run.id, run.target, run.outcome, moment(run.began), f"{run.seconds:.1f}", progress(run))
    return table


def progress(run: RunRecord) -> str:
    """Steps done of all, e.g. "4/6"."""
    return f"{sum(s.state == DONE for s in run.steps)}/{len(run.steps)}"


def show(run: RunRecord, console: Console) -> None:
    """The timeline, the proof of the fence, the findings, and what is left."""
    run = condense.record(run)
    console.print(f"run {run.id}: {run.user} on {run.host}, {moment(run.began)}", markup=False)
    console.print(f"$ {run.command}", markup=False)
    if run.timeline:
        console.print(timeline(run), soft_wrap=False)
    for fence in run.fences:
        line = f"{fence.server} fenced: {fence.result}, by {fence.source}, {moment(fence.at)}"
        console.print(line, markup=False)
    for line in run.evidence:
        console.print(f"evidence: {line}", markup=False)
    for note in run.notes:
        console.print(f"note: {note}", markup=False)
    for finding in run.findings:
        mark = "verified" if finding.ok else "NOT RIGHT"
        console.print(f"{mark:>9}  {finding.subject}: {finding.actual}", markup=False)
    for line in (*conclusions.outage(run), *(f"to do: {x}" for x in conclusions.left_to_do(run))):
        console.print(line, markup=False)
    console.print(f"{run.outcome}: {conclusions.headline(run)}", markup=False)


def timeline(run: RunRecord) -> Table:
    """Each step with its seconds and a bar that begins where the step began."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("step", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, overflow="crop")
    for step, bar in zip(run.timeline, draw(run).bars, strict=True):
        before = min(round(_BAR * bar.left / 100), _BAR - 1)
        blocks = "█" * max(1, round(_BAR * bar.width / 100)) if bar.width else ""
        table.add_row(Text(step.name), label(step), " " * before + blocks)
    return table
