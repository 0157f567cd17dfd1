"""The verbs `runs` and `report`: read from disk, print; nothing else is looked at."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.model.outcome import Usage
from failover.paths import DRILLS
from failover.report import archive, conclusions, page, text
from failover.report.record import RunRecord

FORMATS = ("html", "markdown", "json", "text")
_LIST = 120  # columns
_DRILL = "[0-9]*T[0-9]*Z-*"  # a drill's folder begins with its time (lab/drill/kept.py)


def list_runs(site_file: str | None, as_json: bool) -> int:
    """Print every run of the site, oldest first; the exit code."""
    return guarded(lambda: _list(_runs(site_file), as_json))


def report(name: str, site_file: str | None, form: str) -> int:
    """Print one run: as text, JSON or Markdown, or make its page again and print where it is."""
    return guarded(lambda: _report(_runs(site_file), name, form))


def _runs(site_file: str | None) -> Path:
    """The site's runs; where no site is configured, those of the last drill. Raises Usage.

    Where the last drill has no runs, those of an older one are not shown in its place: that is refused.
    """
    drills = sorted(path for path in DRILLS.glob(_DRILL) if path.is_dir())
    if not drills or site_file or os.environ.get(sites.ENVIRONMENT_VARIABLE) or sites.DEFAULT.exists():
        return sites.load(site_file).runs
    runs = drills[-1] / "runs"
    if not archive.folders(runs):
        raise Usage(
            f"no site is configured, and the last drill has no runs: found none in {drills[-1]}",
            f"its result is in {drills[-1] / 'drill.json'}; for the runs of a site, name it with --site",
        )
    print(f"no site is configured: these are the runs of the last drill, in {runs}", file=sys.stderr)
    return runs


def _list(runs: Path, as_json: bool) -> None:
    records = [archive.load(folder) for folder in archive.folders(runs)]
    if as_json:
        rows = [
            {
                "run": r.id,
                "target": r.target,
                "outcome": r.outcome,
                "began": r.began.isoformat(),
                "seconds": round(r.seconds, 3),
                "steps": text.progress(r),
            }
            for r in records
        ]
        print(json.dumps(rows))
    elif records:
        console = _console()
        console.width = max(console.width, _LIST)  # an id that is cut short cannot be copied
        console.print(text.listing(records), soft_wrap=False)
    else:
        print(f"no runs in {runs} yet")


def _report(runs: Path, name: str, form: str) -> None:
    if form not in FORMATS:
        raise Usage(f"--format {form}: expected {', '.join(FORMATS)}", "choose one of them")
    folder = archive.find(runs, name)
    run = archive.load(folder)
    if form == "html":
        made = folder / "report.html"
        made.write_text(page.html(run), encoding="utf-8", errors="backslashreplace")
        print(made)
    elif form == "markdown":
        sys.stdout.write(page.markdown(run))
    elif form == "json":
        print(json.dumps(document(run), indent=1))
    else:
        text.show(run, _console())


def document(run: RunRecord) -> dict[str, Any]:
    """All that the page says, as JSON-ready values.

    The fields of RunRecord (failover/report/record.py) by their names; "began" and each fence's "at" in ISO
    8601; a step's "start" counts in seconds from "began". "outage" and "left_to_do": sentences.
    """
    return {
        **{k: v for k, v in asdict(run).items() if k not in ("began", "fences")},
        "began": run.began.isoformat(),
        "fences": [{**asdict(f), "at": f.at.isoformat()} for f in run.fences],
        "outage": conclusions.outage(run),
        "left_to_do": conclusions.left_to_do(run),
    }


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, emoji=False)
