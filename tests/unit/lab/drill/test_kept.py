"""What a drill leaves behind, and that `report` finds it where no site is configured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from failover.report import archive, conclusions
from failover.verbs import runs as verbs
from lab.drill.kept import KEPT, keep, where
from lab.drill.result import DrillResult, Switchover
from tests.unit.lab.drill.reporting import Reporting, without_a_site

OUTAGE = "As the client saw it: 21.5 s, from the client's last acknowledged write to its next."
RECORDS = "As the client saw it: 55 records acknowledged, 0 of them lost."


def a_run(lab: Path, name: str, target: str) -> Path:
    folder = lab / "runs" / name
    folder.mkdir(parents=True)
    started = {"event": "run-started", "at": "2026-03-14T03:12:00+00:00", "target": target, "steps": []}
    (folder / "journal.jsonl").write_text(json.dumps(started) + "\n")
    (folder / "report.md").write_text("as the run wrote it")
    return folder


def story() -> DrillResult:
    moves = [Switchover("nfs-srv-2", 30.0, 21.5), Switchover("nfs-srv-1", 20.0, None)]
    return DrillResult("dead", moves=moves, records_acknowledged=55, records_lost=0)


def kept_of(lab: Path, operator: Reporting | None = None, lines: list[str] | None = None) -> Path:
    say = lines.append if lines is not None else pytest.fail
    kept = keep(lab, story(), cast(Any, operator or Reporting(lab)), say)
    assert kept
    return kept


def test_the_newest_run_to_a_target_shows_what_the_client_saw(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    operator = Reporting(lab)
    for name, target in (("1", "nfs-srv-2"), ("2", "nfs-srv-2"), ("3", "nfs-srv-1")):
        a_run(lab, name, target)
    kept = kept_of(lab, operator)
    assert {name for _, name, *_ in operator.calls} == {"2"}
    assert sorted(p.name for p in (kept / "runs").iterdir()) == ["1", "2", "3"]
    assert json.loads((kept / "drill.json").read_text())["outage_seconds"] == 21.5
    seen = conclusions.outage(archive.load(kept / "runs" / "2"))
    assert seen[:2] == [OUTAGE, RECORDS]
    assert not [line for line in conclusions.outage(archive.load(kept / "runs" / "1")) if "client" in line]


def test_the_page_and_the_markdown_that_are_kept_have_the_clients_story(tmp_path: Path) -> None:
    a_run(tmp_path / "lab", "1", "nfs-srv-2")
    run = kept_of(tmp_path / "lab") / "runs" / "1"
    assert f"- {OUTAGE}\n- {RECORDS}\n" in (run / "report.md").read_text()
    assert RECORDS in (run / "report.html").read_text()


def test_a_report_that_cannot_be_made_again_is_named_and_the_run_is_kept(tmp_path: Path) -> None:
    a_run(tmp_path / "lab", "1", "nfs-srv-2")
    lines: list[str] = []
    kept = kept_of(tmp_path / "lab", Reporting(tmp_path / "lab", fails=True), lines)
    assert lines == ["the report of 1 does not show what the clients saw: exit 2: report"]
    assert (kept / "runs" / "1" / "report.md").read_text() == "as the run wrote it"


def test_a_journal_that_was_cut_off_in_its_first_line_is_kept(tmp_path: Path) -> None:
    run = a_run(tmp_path / "lab", "1", "nfs-srv-2")
    (run / "journal.jsonl").write_text('{"event": "run-st')
    assert (kept_of(tmp_path / "lab") / "runs" / "1" / "journal.jsonl").exists()


def test_the_paths_that_are_printed_outlive_the_lab(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    for name, target in (("1", "nfs-srv-1"), ("2", "nfs-srv-2")):
        a_run(lab, name, target)
    kept = kept_of(lab)
    shutil.rmtree(lab)
    folder, page = where(kept)
    assert folder == f"it is kept in {kept}, until 5 later drills are"
    assert page == f"its last report: {kept}/runs/2/report.html"
    assert (kept / "runs" / "2" / "report.html").exists()


def test_of_a_drill_without_a_report_its_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    kept = kept_of(tmp_path / "lab")
    assert where(kept)[1] == f"it has no report of a run: read {kept}/drill.json"
    assert (kept / "drill.json").exists()


def test_where_no_lab_was_made_no_drill_is_kept(tmp_path: Path) -> None:
    assert keep(tmp_path / "lab", story(), cast(Any, None), pytest.fail) is None
    assert where(None) == []
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_does_not_take_it_is_reported(tmp_path: Path) -> None:
    a_run(tmp_path / "lab", "1", "nfs-srv-2")
    (tmp_path / "drills").write_text("no folder")
    lines: list[str] = []
    assert keep(tmp_path / "lab", story(), cast(Any, Reporting(tmp_path / "lab")), lines.append) is None
    assert len(lines) == 1
    assert lines[0].startswith("the drill's reports were not kept: [Errno")


def test_the_last_few_are_kept_and_a_drill_without_runs_too(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "drills" / "0-of-another").mkdir(parents=True)
    made = [kept_of(tmp_path / "lab") for _ in range(KEPT + 2)]
    assert sorted((tmp_path / "drills").iterdir()) == [tmp_path / "drills" / "0-of-another", *made[2:]]


def test_without_a_site_the_last_drill_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(tmp_path / "lab", "20260314T031200-ab", "nfs-srv-2")
    kept_of(tmp_path / "lab")
    without_a_site(monkeypatch, tmp_path / "nowhere")
    assert verbs.report("latest", None, "markdown") == 2
    assert "no site is configured" in capsys.readouterr().err
    without_a_site(monkeypatch, tmp_path / "drills")
    assert verbs.report("latest", None, "markdown") == 0
    shown = capsys.readouterr()
    assert "20260314T031200-ab" in shown.out
    assert "these are the runs of the last drill" in shown.err
    assert verbs.report("latest", "missing.toml", "markdown") == 2


@pytest.mark.parametrize("runs", [False, True], ids=["no-folder", "a-folder-without-runs"])
def test_where_the_last_drill_has_no_runs_an_older_one_is_not_shown_as_the_last(
    runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = tmp_path / "lab"
    a_run(lab, "20260314T031200-ab", "nfs-srv-2")
    kept_of(lab)
    shutil.rmtree(lab / "runs")
    if runs:
        (lab / "runs").mkdir()
    last = kept_of(lab)
    without_a_site(monkeypatch, tmp_path / "drills")
    for verb in (lambda: verbs.report("latest", None, "markdown"), lambda: verbs.list_runs(None, True)):
        assert verb() == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert f"the last drill has no runs: found none in {last}" in shown.err
        assert f"its result is in {last}/drill.json" in shown.err
