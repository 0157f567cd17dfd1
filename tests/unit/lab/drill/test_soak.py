"""The drills of a soak: the same for the same seed, each repeated by the command that is shown for it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from rich.console import Console

from lab.drill import soak
from lab.drill.drill import Choices
from lab.drill.failures import MODES
from lab.drill.result import DrillResult
from lab.drill.soak import command, draws, summary


def test_the_same_seed_draws_the_same_drills_and_another_seed_others():
    assert draws(20, 7) == draws(20, 7)
    assert draws(20, 7) != draws(20, 8)
    assert draws(20, 7)[:3] == draws(3, 7)


def test_every_way_to_fail_is_drawn():
    drawn = draws(60, 1)
    assert {c.mode for c in drawn} == set(MODES)
    assert {c.clients for c in drawn} == {"remount", "reboot"}
    assert {c.standby for c in drawn} == {True, False}
    assert {c.kill_after is None for c in drawn} == {True, False}
    assert len({c.after for c in drawn}) > 20


def test_the_command_names_what_is_not_the_default():
    choices = Choices("hung", standby=True, after=2.5, kill_after=7.1)
    assert command(choices) == "./inv drill --mode hung --standby --after 2.5 --kill-after 7.1"
    assert command(Choices()) == "./inv drill"


def test_the_summary_adds_up_what_must_be_nothing():
    good = DrillResult("dead", records_acknowledged=30, records_lost=0)
    bad = DrillResult("hung", missing=["x"], records_acknowledged=12, records_lost=2, attached_twice=1)
    found = summary([(Choices(), good), (Choices("hung"), bad)], 3)
    assert (found["done"], found["failed"]) == (1, 1)
    assert (found["records_acknowledged"], found["records_lost"], found["attached_twice"]) == (42, 2, 1)


class Fake:
    """A drill that ends when as many as may run side by side do so; the third one fails."""

    together = threading.Barrier(2, timeout=30)

    def __init__(self, run: Path, choices: Choices, console: Console) -> None:
        self._run, self._choices, self._console = run, choices, console
        self.kept = run.parent / "drills" / f"of-{run.name}"

    def tell(self) -> DrillResult:
        self.together.wait()
        self._console.print("said by the drill itself")
        missing = ["a record"] if self._run.name == "lab-3" else []
        return DrillResult(self._choices.mode, records_acknowledged=1, records_lost=0, missing=missing)


def test_drills_side_by_side_have_a_lab_and_a_log_each_and_are_told_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "Drill", Fake)
    assert soak.main(tmp_path / "lab", 4, 7, as_json=True, jobs=2) == 1
    out = capsys.readouterr().out
    told = json.loads(out.splitlines()[-1])
    assert [drill["command"] for drill in told["drills"]] == [command(choices) for choices in draws(4, 7)]
    assert [drill["outcome"] for drill in told["drills"]] == ["done", "done", "failed", "done"]
    assert "said by the drill itself" not in out
    logs = {file.name: file.read_text() for file in tmp_path.glob("*.log")}
    assert set(logs) == {"lab-1.log", "lab-2.log", "lab-3.log", "lab-4.log"}
    assert all(text.startswith("said by the drill itself") for text in logs.values())
    assert "MISSING: a record" in logs["lab-3.log"]
    assert f"it is told in {tmp_path}/lab-3.log" in out
    for number in range(1, 5):
        assert f"drill {number} of 4: it is kept in {tmp_path}/drills/of-lab-{number}, until" in out


def test_one_at_a_time_is_told_on_the_terminal_and_nothing_runs_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = threading.Lock()

    class Lonely(Fake):
        def tell(self) -> DrillResult:
            assert alone.acquire(blocking=False), "another drill runs beside this one"
            self._console.print("said by the drill itself")
            threading.Event().wait(0.05)
            alone.release()
            return DrillResult(self._choices.mode, records_acknowledged=1, records_lost=0)

    monkeypatch.setattr(soak, "Drill", Lonely)
    assert soak.main(tmp_path / "lab", 3, 7, as_json=False) == 0
    assert capsys.readouterr().out.count("said by the drill itself") == 3
    assert list(tmp_path.glob("*.log")) == []
