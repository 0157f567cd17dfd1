"""The files of a run beside its journal: report.json, report.html and report.md; and its line of history."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from failover.report import conclusions
from failover.report.record import DONE, RunRecord
from failover.report.report import Report
from failover.runs import history


def keep(report: Report, console: Console) -> None:
    """Write the report of a run that acted; a disk that is full does not change how the run ended."""
    if report.folder is None:
        return
    from failover.report import archive, page  # noqa: PLC0415 - jinja2 is not loaded where nothing is kept

    try:
        _write(report.folder / "report.json", json.dumps(report.document(), indent=1) + "\n")
        run = archive.load(report.folder)
        _remember(report, run)
        _write(report.folder / "report.md", page.markdown(run))
        _write(report.folder / "report.html", page.html(run))
    except OSError as error:
        console.print(
            f"the report could not be written: {error}; `./inv report {report.run}` makes it again",
            markup=False,
        )
        return
    if judged := conclusions.judged_outage(run):
        console.print(judged.line, markup=False)
    console.print(f"report: {report.folder / 'report.html'}", markup=False)


def _remember(report: Report, run: RunRecord) -> None:
    """The run's line in the site's history; a forecast is made from its seconds. Raises OSError."""
    if report.folder is None:
        return
    service = conclusions.away(run)
    facts = {
        "run": run.id,
        "target": run.target,
        "loser": run.loser,
        "active": run.active,
        "outage_seconds": round(service.seconds, 3) if service and service.seconds is not None else None,
        "outage_exact": bool(service and service.exact),
        history.STEPS: _seconds(run),
    }
    at = run.began + timedelta(seconds=run.seconds)
    entry = history.Entry(history.Kind.FAILOVER, at, run.outcome, run.seconds, facts)
    history.append(report.folder.parent, entry)


def _seconds(run: RunRecord) -> dict[str, float]:
    """The longest step of each kind that was done: those of one kind run side by side."""
    by_kind: dict[str, float] = {}
    for step in run.steps:
        if step.kind and step.state == DONE:
            by_kind[step.kind.value] = max(by_kind.get(step.kind.value, 0.0), round(step.seconds, 3))
    return by_kind


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    # a name on a host may be any bytes, and this machine's own encoding another one
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    temporary.replace(path)
