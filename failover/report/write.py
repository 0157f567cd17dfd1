"""The files of a run beside its journal: report.json, report.html and report.md."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from failover.report.report import Report


def keep(report: Report, console: Console) -> None:
    """Write the report of a run that acted; a disk that is full does not change how the run ended."""
    if report.folder is None:
        return
    from failover.report import archive, page  # noqa: PLC0415 - jinja2 is not loaded where nothing is kept

    try:
        _write(report.folder / "report.json", json.dumps(report.document(), indent=1) + "\n")
        run = archive.load(report.folder)
        _write(report.folder / "report.md", page.markdown(run))
        _write(report.folder / "report.html", page.html(run))
    except OSError as error:
        console.print(
            f"the report could not be written: {error}; `./inv report {report.run}` makes it again",
            markup=False,
        )
        return
    console.print(f"report: {report.folder / 'report.html'}", markup=False)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text)
    temporary.replace(path)
