"""From a journal to a record: complete runs, failed ones, and every prefix that a kill can leave."""

from __future__ import annotations

import html
import json
from io import StringIO

import pytest
from rich.console import Console

from failover.model.outcome import Usage
from failover.report import archive, conclusions, page, text
from failover.report.journal_reader import read_run
from failover.runs.site_lock import site_lock
from failover.verbs import runs as verbs
from tests.page import example


def keep(runs, name, events):
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("".join(example.lines(events)))
    return folder


@pytest.mark.parametrize("length", range(len(example.done()) + 1))
def test_every_prefix_of_a_journal_makes_every_report(length):
    run = read_run(example.ID, example.done()[:length])
    assert run.ended == (length == len(example.done()))
    assert page.html(run)
    assert page.markdown(run)
    assert json.dumps(verbs.document(run))
    text.show(run, Console(file=StringIO()))
    if not run.ended:
        assert run.outcome == "killed"
        assert "did not end" in page.html(run)


def test_what_an_older_run_verified_is_read_by_its_key():
    events = json.loads(json.dumps(example.done()).replace('"actual":', '"found":'))
    assert '"found":' in json.dumps(events)
    actual = [f.actual for f in read_run(example.ID, events).findings]
    assert actual == [text for _, text in example.FINDINGS]
    assert actual == [f.actual for f in read_run(example.ID, example.done()).findings]


def test_steps_side_by_side_overlap_in_the_record():
    run = read_run(example.ID, example.done())
    launch, fence = run.step("launch nfs-srv-2"), run.step("power-off nfs-srv-1")
    assert launch.start < fence.end
    assert fence.start < launch.end
    assert conclusions.side_by_side(run) == ["launch nfs-srv-2 beside power-off nfs-srv-1"]


def test_a_killed_run_says_what_was_cut_off_and_what_never_began():
    run = read_run(example.ID, example.killed())
    states = {s.name: s.state for s in run.steps}
    assert states["power-off nfs-srv-1"] == "done"
    assert states["reach nfs-srv-2"] == "cut off"
    assert states["switch nfs-srv-2"] == "not started"
    assert "./inv failover --active nfs-srv-2" in conclusions.left_to_do(run)[0]


def test_the_outage_is_counted_from_the_release_and_only_bounded_when_the_server_was_dead():
    planned = conclusions.outage(read_run(example.ID, example.done(planned=True)))
    assert planned[0].startswith("The service was away for 50 s, from the start of «release nfs-srv-1»")
    dead = conclusions.outage(read_run(example.ID, example.done()))
    assert "at least 8 min 54 s" in dead[0]
    assert "nfs-cli had it back after 8 min 58 s." in dead
    failed = conclusions.outage(read_run(example.ID, example.failed()))
    assert failed[0].startswith("Not over")


def test_a_switch_leaves_the_active_file_to_be_committed():
    left = conclusions.left_to_do(read_run(example.ID, example.done()))
    assert any(line.startswith("Commit terraform/active.auto.tfvars") for line in left)
    assert any(line.startswith("nfs-srv-1 is powered off: find out why") for line in left)
    events = [e for e in example.killed(10) if e["event"] != "step-done" or "switch" not in e["step"]]
    left = conclusions.left_to_do(read_run(example.ID, events))
    assert any(line.startswith("Don't commit") for line in left), left


def test_a_journal_of_the_first_version_is_read():
    bare = {"target": "nfs-srv-2", "steps": ["power-off nfs-srv-1"], "notes": []}
    events = [
        example.at(0, "run-started", **bare),
        example.at(1, "step-started", step="power-off nfs-srv-1", why="silent"),
        example.at(3, "step-done", step="power-off nfs-srv-1", seconds=2.0, message="instance is STOPPED"),
        example.at(4, "run-done", active="nfs-srv-2"),
    ]
    run = read_run(example.ID, events)
    assert (run.outcome, run.seconds) == ("done", 4.0)
    assert "power-off nfs-srv-1" in page.html(run)


def test_runs_are_listed_with_how_far_they_got(tmp_path, capsys):
    runs = tmp_path / "runs"
    keep(runs, "20260314T020000-000-nfs-srv-2", example.killed())
    keep(runs, "20260314T030000-000-nfs-srv-2", example.done())
    site = tmp_path / "site.toml"
    site.write_text("")
    assert verbs.list_runs(str(site), as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:3] == ["20260314T020000-000-nfs-srv-2", "nfs-srv-2", "killed"]
    assert lines[1].endswith("2/6")
    assert lines[2].endswith("545.8    6/6")
    assert verbs.list_runs(str(site), as_json=True) == 0
    assert [r["outcome"] for r in json.loads(capsys.readouterr().out)] == ["killed", "done"]


def test_a_run_whose_process_holds_the_lock_is_under_way_not_killed(tmp_path):
    events = example.killed()
    with site_lock(tmp_path):
        pid = json.loads((tmp_path / "site.lock").read_text())["pid"]
        folder = keep(tmp_path, "one", [{**events[0], "pid": pid}, *events[1:]])
        assert archive.load(folder).outcome == "under way"
    assert archive.load(folder).outcome == "killed"


def test_a_run_is_found_by_a_part_of_its_id_and_an_ambiguous_part_is_refused(tmp_path):
    keep(tmp_path, "20260314T020000-000-nfs-srv-2", example.killed())
    newest = keep(tmp_path, "20260314T030000-000-nfs-srv-1", example.done())
    assert archive.find(tmp_path, "latest") == newest
    assert archive.find(tmp_path, "T03") == newest
    with pytest.raises(Usage, match=r"found 2026.*, 2026"):
        archive.find(tmp_path, "20260314")
    with pytest.raises(Usage, match="found none"):
        archive.find(tmp_path, "2027")


@pytest.mark.parametrize(
    ("form", "expected"),
    [("text", "█"), ("markdown", "## Timeline"), ("json", '"steps"'), ("html", ".html")],
)
def test_a_killed_run_is_shown_in_every_form(tmp_path, capsys, form, expected):
    folder = keep(tmp_path / "runs", "one", example.killed())
    (tmp_path / "site.toml").write_text("")
    assert verbs.report("latest", str(tmp_path / "site.toml"), form) == 0
    out = capsys.readouterr().out
    if form == "json":
        assert json.loads(out)["outcome"] == "killed"
    else:
        assert expected in out
    assert (folder / "report.html").exists() == (form == "html")


def test_the_evidence_of_a_silent_server_is_in_every_form_of_the_report() -> None:
    run = read_run(example.ID, example.done())
    line = next(text for text in run.evidence if "no answer within 10 s" in text)
    assert "from op-1: ssh opc@10.0.0.9 port 22 directly, key ~/.ssh/id" in line
    assert line in page.markdown(run)
    assert line in html.unescape(page.html(run))
    assert not read_run(example.ID, example.done(planned=True)).evidence
