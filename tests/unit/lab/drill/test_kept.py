"""What a drill leaves behind, and that `report` finds it where no site is configured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from failover.report import archive, conclusions
from failover.verbs import runs as verbs
from lab.drill.kept import KEPT, keep
from lab.drill.result import DrillResult, Switchover


class Reporting:
    """In the place of an operator: notes which runs' pages were to be made."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def run(self, verb: str, *argv: str) -> tuple[list[str], int]:
        self.asked.append((verb, *argv))
        return [], 0


def a_run(lab: Path, name: str, target: str) -> None:
    folder = lab / "runs" / name
    folder.mkdir(parents=True)
    started = {"event": "run-started", "at": "2026-03-14T03:12:00+00:00", "target": target, "steps": []}
    (folder / "journal.jsonl").write_text(json.dumps(started) + "\n")


def story() -> DrillResult:
    moves = [Switchover("nfs-srv-2", 30.0, 21.5), Switchover("nfs-srv-1", 20.0, None)]
    return DrillResult("dead", moves=moves, records_acknowledged=55, records_lost=0)


def test_the_newest_run_to_a_target_tells_what_the_client_saw(tmp_path: Path) -> None:
    lab, operator = tmp_path / "lab", Reporting()
    for name, target in (("1", "nfs-srv-2"), ("2", "nfs-srv-2"), ("3", "nfs-srv-1")):
        a_run(lab, name, target)
    kept = keep(lab, story(), cast(Any, operator))
    assert operator.asked == [("report", "2", "--format", "html")]
    assert sorted(p.name for p in (kept / "runs").iterdir()) == ["1", "2", "3"]
    assert json.loads((kept / "drill.json").read_text())["outage_seconds"] == 21.5
    seen = conclusions.outage(archive.load(kept / "runs" / "2"))
    assert seen[:2] == [
        "As the client saw it: 21.5 s, from the client's last acknowledged write to its next.",
        "As the client saw it: 55 records acknowledged, 0 of them lost.",
    ]
    assert not [line for line in conclusions.outage(archive.load(kept / "runs" / "1")) if "client" in line]


def test_the_last_few_are_kept_and_a_drill_without_runs_too(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    made = [keep(tmp_path / "lab", story(), cast(Any, Reporting())) for _ in range(KEPT + 2)]
    assert sorted((tmp_path / "drills").iterdir()) == made[2:]


def test_without_a_site_the_last_drill_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = tmp_path / "lab"
    a_run(lab, "20260314T031200-ab", "nfs-srv-2")
    keep(lab, story(), cast(Any, Reporting()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NFS_FAILOVER_SITE", raising=False)
    monkeypatch.setattr(verbs, "DRILLS", tmp_path / "nowhere")
    assert verbs.report("latest", None, "markdown") == 2
    assert "no site is configured" in capsys.readouterr().err
    monkeypatch.setattr(verbs, "DRILLS", tmp_path / "drills")
    assert verbs.report("latest", None, "markdown") == 0
    shown = capsys.readouterr()
    assert "20260314T031200-ab" in shown.out
    assert "these are the runs of the last drill" in shown.err
    assert verbs.report("latest", "missing.toml", "markdown") == 2
