"""A plan as the operator sees it: the steps, and in plain words who is fenced, who loses, who is touched."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from failover.model.duration import duration
from failover.plan import document
from failover.plan.forecast import Forecast, forecast
from failover.plan.model import Plan, StepKind
from failover.report import condense


def show(plan: Plan, clients: str, console: Console, expected: Forecast | None = None) -> None:
    """Print the plan. `clients`: how they are brought over, remount or reboot. `expected`: its seconds."""
    expected = expected or forecast(plan, {})
    about, plan = duration(round(expected.seconds)), condense.plan(plan)
    console.print(f"plan: {plan.target} becomes the active server (usually about {about})", markup=False)
    console.print(_steps(plan, expected), soft_wrap=False)
    if expected.outage is not None:
        text = f"outage:  about {duration(round(expected.outage))}; {expected.source}"
        console.print(f"  {text}", markup=False)
    for line in consequences(plan, clients):
        console.print(f"  {line}", markup=False)
    for line in plan.evidence:
        console.print(f"  evidence: {line}", markup=False)
    for note in plan.notes:
        console.print(f"  note: {note}", markup=False)


def consequences(plan: Plan, clients: str) -> list[str]:
    """Who loses the volumes, what is fenced and how, which clients are touched: a line each."""
    fences = [
        f"fenced:  {s.subject}: {document.FENCES[s.kind]}" for s in plan.steps if s.kind in document.FENCES
    ]
    touched = ", ".join(s.subject for s in plan.steps if s.kind is StepKind.CLIENT)
    return [
        f"loses:   {plan.loser + ' loses the volumes' if plan.loser else 'no server holds a volume now'}",
        *(fences or ["fenced:  no host; no fence is needed"]),
        f"clients: {touched + ' by ' + clients if touched else 'no client is touched'}",
    ]


def _steps(plan: Plan, forecasted: Forecast) -> Table:
    numbers = {s.name: n for n, s in enumerate(plan.steps, 1)}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("  #", justify="right", no_wrap=True)
    table.add_column("step", no_wrap=True)
    table.add_column("after", no_wrap=True)
    table.add_column("expected", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for step in plan.steps:
        after = ", ".join(str(numbers[a]) for a in step.after if a in numbers)
        expected = duration(round(forecasted.of(step), 1))
        table.add_row(str(numbers[step.name]), Text(step.name), after or "-", expected, Text(step.why))
    return table
