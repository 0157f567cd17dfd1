"""A report as the terminal shows it: the timeline, what was verified, and how it ended."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from failover.model.outcome import Outcome
from failover.model.timeline import Phase
from failover.report import condense
from failover.report.report import Report

_BAR = 40


def show(report: Report, console: Console) -> None:
    """The timeline, what was verified, and how it ended."""
    if report.phases:
        console.print(timeline(condense.phases(report.phases)))
    for note in condense.notes(report.notes):
        console.print(f"note: {note}", markup=False)
    for finding in condense.findings(report.findings):
        mark = "verified" if finding.ok else "NOT RIGHT"
        console.print(f"{mark:>9}  {finding.subject}: {finding.actual}", markup=False)
    done = f"{report.active} is the active server"
    if report.verb == "rehearse":
        done = (
            f"a takeover like that of {report.target} works, by clones" if report.run else "nothing is left"
        )
    if report.verb == "backup":
        done = f"backup {report.run}" if report.run else "the newest backup is young enough"
    if report.verb == "verify":
        done = f"{report.active} is the active server and everything is right"
    ending = {
        Outcome.DONE: f"done: {done} ({report.seconds:.1f} s)",
        Outcome.PLANNED: f"planned: nothing was changed ({report.seconds:.1f} s)",
        Outcome.NOTHING_TO_DO: "nothing to do: "
        + (
            done
            if report.verb == "rehearse"
            else f"{report.active} is the active server and everything is right"
        ),
    }.get(report.outcome, f"{report.outcome.value}: {report.reason}")
    console.print(ending, markup=False)
    if report.remedy:
        console.print(f"   remedy: {report.remedy}", markup=False)


def timeline(phases: list[Phase]) -> Table:
    """Each phase with its seconds and a bar in proportion."""
    longest = max(p.seconds for p in phases) or 1.0
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for phase in phases:
        table.add_row(phase.name, f"{phase.seconds:.1f}", "█" * max(1, round(_BAR * phase.seconds / longest)))
    return table
