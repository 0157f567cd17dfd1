"""The moves under lock owners: the same for the same seed, there and back, each with a seed of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.drill import lock_moves
from lab.drill.lock_history import LOST, Violation
from lab.drill.lock_moves import LockDrill, LockMove, LockOwners, draw_move, draw_moves
from lab.hardware.image.variants.catalogue import VARIANTS
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR
from lab.site.shapes.known import SHAPES
from lab.system.errors import HardwareError
from tests.unit.lab.drill.reporting import Reporting
from tests.unit.lab.drill.test_kept import a_run


def test_the_moves_go_there_and_back_and_one_alone_can_be_drawn_again() -> None:
    moves = draw_moves(50, 7)
    assert [move.seed for move in moves] == list(range(7, 57))
    assert [move.target for move in moves[:3]] == [SUCCESSOR, SERVER, SUCCESSOR]
    assert moves[9] == draw_move(16, SERVER)
    assert {move.cut for move in moves} == {True, False}
    assert len({move.after for move in moves}) > 20
    assert draw_moves(0, 7) == draw_moves(-3, 7) == []


def test_a_drill_is_done_only_without_anything_missing() -> None:
    assert LockDrill(3).document() == {"seed": 3, "moves": [], "missing": [], "outcome": "done"}
    assert LockDrill(3, missing=["x"]).document()["outcome"] == "failed"


class Owners(LockOwners):
    """Owners whose logs have a violation."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self, seed: int) -> None:
        self.calls.append(f"start {seed}")

    def await_turns(self, when: str) -> None:
        self.calls.append(when)

    def stop(self) -> list[Any]:
        self.calls.append("stop")
        return []

    def violations(self) -> list[Violation]:
        return [Violation(LOST, ("v40",), "turn 3")]


class FakeLab:
    """Notes whose power was cut, and which guests were looked at."""

    def __init__(self, guests: str = "debian") -> None:
        self.crashed: list[str] = []
        self.access = self
        self.variant = VARIANTS[guests]
        self.shape = SHAPES["lab"]
        self.on_which: list[str] = []

    def on(self, name: str, *argv: str) -> str:
        if name not in self.on_which:
            self.on_which.append(name)
        return "/mnt/a/.nfs-failover/nfsdcld has default_t\n" if "find " in argv[-1] else "Enforcing"

    def crash(self, server: str) -> None:
        self.crashed.append(server)

    def forget(self, _: str) -> None:
        pass


class FakeOperator:
    """An operator whose failovers end with this code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def report(self, *_: str) -> tuple[dict[str, Any], int]:
        return {"outcome": "x", "run": "run-1"}, self._code


def made(seed: int, code: int, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Owners, list[str]]:
    monkeypatch.setattr(lock_moves.time, "sleep", lambda _: None)
    lab, owners = FakeLab(), Owners()
    move = draw_move(seed, SUCCESSOR)
    figures = lock_moves.make_move(lab, FakeOperator(code), owners, move)  # type: ignore[arg-type]
    return figures, owners, lab.crashed


@pytest.mark.parametrize(("seed", "crashed"), [(14, [SERVER]), (15, [])])
def test_what_the_checker_reports_of_a_move_is_in_its_figures(
    seed: int, crashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, owners, cut = made(seed, 0, monkeypatch)
    assert figures["violations"] == ["lost lock: turn 3"]
    assert figures["run"] == "run-1"
    assert owners.calls == [f"start {seed}", f"after the move to {SUCCESSOR}", "stop"]
    assert cut == crashed


@pytest.mark.parametrize(("seed", "running"), [(14, [SUCCESSOR, CLIENT]), (15, [SERVER, SUCCESSOR, CLIENT])])
def test_guests_that_enforce_are_looked_at_after_each_move_where_they_run(
    seed: int, running: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_moves.time, "sleep", lambda _: None)
    lab, move = FakeLab("el9"), draw_move(seed, SUCCESSOR)
    figures = lock_moves.make_move(lab, FakeOperator(0), Owners(), move)  # type: ignore[arg-type]
    assert lab.on_which == running
    wrong = f"{SUCCESSOR}: /mnt/a/.nfs-failover/nfsdcld has default_t, expected var_lib_nfs_t"
    assert wrong in figures["violations"]


def test_a_failover_that_fails_ends_the_drill_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HardwareError, match=f"seed 15: the failover to {SUCCESSOR} ended with 4"):
        made(15, 4, monkeypatch)


class TakenDown:
    """A lab that has no files once it is down."""

    def __init__(self, run: Path, _: Callable[[str], None]) -> None:
        self.run = run
        self.site_file = run / "site.toml"

    def up(self, **_: Any) -> None:
        a_run(self.run, "0", SERVER)

    def keep_evidence(self) -> None:
        pass

    def down(self) -> None:
        shutil.rmtree(self.run)


def drill(run: Path, violations: dict[int, list[str]], monkeypatch: pytest.MonkeyPatch) -> int:
    """Three moves, with these violations in the second, third, ... of them."""

    def move(lab: TakenDown, operator: Reporting, owners: None, chosen: LockMove) -> dict[str, Any]:
        name = str(chosen.seed)
        a_run(lab.run, name, chosen.target)
        wrong = violations.get(chosen.seed, [])
        return {"run": name, "seconds": 1.0, "turns": {"v3": 6, "v40": 7}, "violations": wrong}

    monkeypatch.setattr(lock_moves, "Lab", TakenDown)
    monkeypatch.setattr(lock_moves, "Operator", lambda *_: Reporting(run))
    monkeypatch.setattr(lock_moves, "make_move", move)
    for name in ("keep_locks", "leave_names", "LockOwners"):
        monkeypatch.setattr(lock_moves, name, FakeStep)
    return lock_moves.main(run, 3, 1, as_json=True)


class FakeStep:
    """In the place of what is done on guests."""

    def __init__(self, *_: Any) -> None:
        pass

    def mount(self) -> None:
        pass


@pytest.mark.parametrize("violations", [[], ["lost lock: turn 3"]], ids=["done", "failed"])
def test_the_runs_of_a_drill_of_locks_outlive_its_lab_with_what_the_owners_saw(
    violations: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "lab"
    assert drill(run, {3: violations}, monkeypatch) == len(violations)
    assert not run.exists()
    (kept,) = (tmp_path / "drills").iterdir()
    out = capsys.readouterr().out
    assert f"it is kept in {kept}, until 5 later drills are\n" in out
    assert f"its last report: {kept}/runs/3/report.html\n" in out
    assert json.loads((kept / "drill.json").read_text()) == json.loads(out.splitlines()[-1])
    assert "client saw" not in (kept / "runs" / "0" / "report.md").read_text()
    for name, last in (("2", "no violation in the lock's history"), ("3", "".join(violations))):
        report = (kept / "runs" / name / "report.md").read_text()
        assert "As the client saw it: turns with the lock: v3 6, v40 7." in report
        assert f"As the client saw it: {last}" in report
