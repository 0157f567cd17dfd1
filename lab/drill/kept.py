"""What a drill leaves: its runs with their reports, and its own result; the last five drills are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from lab.drill.operator import Operator
from lab.system.errors import HardwareError

KEPT = 5
# of the folders beside the lab, which with --run may be another's; failover/verbs/runs.py has the same
_NAMES = "[0-9]*T[0-9]*Z-*"


class DrillStory(Protocol):
    """The result of a drill, of any kind."""

    @property
    def mode(self) -> str:
        """The last word of its folder's name."""

    def document(self) -> dict[str, Any]:
        """All of it, as JSON-ready values."""

    def observed(self, targets: Mapping[str, str]) -> dict[str, list[str]]:
        """By run: what the clients saw of it, a line each. `targets`: each run's, the oldest run first."""


def keep(run: Path, story: DrillStory, operator: Operator, say: Callable[[str], None]) -> Path | None:
    """Copy the runs of the lab in `run` to a folder of this drill beside it; returns that folder.

    Before that, each run's reports are made again: now they show what the clients saw, too. The oldest
    drills' folders are removed. None where there is no lab, or where the disk does not take the copy: `say`
    gets that, and which report was not made again. The drill goes on in any case, to take its lab down.
    """
    if not run.exists():
        return None
    try:
        _make_again(run / "runs", story, operator, say)
        return _copy(run, story)
    except OSError as error:
        say(f"the drill's reports were not kept: {error}")
        return None


def where(kept: Path | None) -> list[str]:
    """What to read of a drill that is over, a line each. Its lab's own files are deleted by then."""
    if kept is None:
        return []
    folder = f"it is kept in {kept}, until {KEPT} later drills are"
    pages = sorted(kept.glob("runs/*/report.html"))
    if not pages:
        return [folder, f"it has no report of a run: read {kept / 'drill.json'}"]
    return [folder, f"its last report: {pages[-1]}"]


def _make_again(runs: Path, story: DrillStory, operator: Operator, say: Callable[[str], None]) -> None:
    journals = sorted(runs.glob("*/journal.jsonl"))
    targets = {journal.parent.name: _target(journal) for journal in journals}
    for run, lines in story.observed(targets).items():
        (runs / run / "observed.json").write_text(json.dumps(lines))
        try:
            operator.output("report", run, "--format", "html")  # writes it, and prints its path in the lab
            text = operator.output("report", run, "--format", "markdown")
        except HardwareError as error:
            say(f"the report of {run} does not show what the clients saw: {error}")
            continue
        (runs / run / "report.md").write_text(text, encoding="utf-8", errors="backslashreplace")


def _target(journal: Path) -> str:
    """The run's target; "" where its process was killed before the first line was whole."""
    for line in journal.read_text().splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if "target" in event:
                return str(event["target"])
    return ""


def _copy(run: Path, story: DrillStory) -> Path:
    shelf = run.parent / "drills"
    kept = shelf / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{story.mode}"
    kept.mkdir(parents=True)
    if (run / "runs").exists():  # not where the console alone failed over
        unsafe = shutil.ignore_patterns("plans", "*.tfplan")
        shutil.copytree(run / "runs", kept / "runs", ignore=unsafe)
    (kept / "drill.json").write_text(json.dumps(story.document(), indent=1) + "\n")
    for old in sorted(path for path in shelf.glob(_NAMES) if path.is_dir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return kept
