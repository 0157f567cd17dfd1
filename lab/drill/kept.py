"""What a drill leaves: its runs with their reports, and its own result; the last five drills are kept."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from lab.drill.operator import Operator
from lab.drill.result import DrillResult, Switchover

KEPT = 5


def keep(run: Path, story: DrillResult, operator: Operator) -> Path:
    """Copy the runs of the lab in `run` to a folder of this drill beside it; returns that folder.

    Before that, each run's report is made again: now it shows what the client saw, too. The oldest drills'
    folders are removed. Raises OSError.
    """
    for folder, move in _moves(run / "runs", story):
        (folder / "observed.json").write_text(json.dumps(_observed(story, move)))
        operator.run("report", folder.name, "--format", "html")
    shelf = run.parent / "drills"
    kept = shelf / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{story.mode}"
    kept.mkdir(parents=True)
    if (run / "runs").exists():  # not where the console alone failed over
        unsafe = shutil.ignore_patterns("plans", "*.tfplan")
        shutil.copytree(run / "runs", kept / "runs", ignore=unsafe)
    (kept / "drill.json").write_text(json.dumps(story.document(), indent=1) + "\n")
    for old in sorted(path for path in shelf.iterdir() if path.is_dir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return kept


def _moves(runs: Path, story: DrillResult) -> list[tuple[Path, Switchover]]:
    """The newest run to each target, with what the drill knows of that move."""
    moves = {move.target: move for move in story.moves if move.outage_seconds is not None}
    newest = {_target(journal): journal.parent for journal in sorted(runs.glob("*/journal.jsonl"))}
    return [(newest[target], move) for target, move in moves.items() if target in newest]


def _target(journal: Path) -> str:
    for line in journal.read_text().splitlines():
        event = json.loads(line)
        if "target" in event:
            return str(event["target"])
    return ""


def _observed(story: DrillResult, move: Switchover) -> list[str]:
    lines = [f"{move.outage_seconds:.1f} s, from the client's last acknowledged write to its next"]
    if story.records_acknowledged is not None:
        lines.append(f"{story.records_acknowledged} records acknowledged, {story.records_lost} of them lost")
    return lines
