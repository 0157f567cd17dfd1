"""The operator's disk: where a run writes, and what keeps it from writing there."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from failover.preflight.check import CheckResult
from failover.preflight.checks.operator import disk
from failover.stack.state_lock import STATE_FILE
from tests.unit.failover.preflight.ground import complete


def site(folder: Path, **terraform: Any) -> Any:
    access = {"directory": folder / "stack", "stack_id": "", "checkout": None, "environment": {}, **terraform}
    return SimpleNamespace(runs=folder / "runs", terraform=SimpleNamespace(**access))


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / STATE_FILE).write_text("{}")
    return tmp_path


def test_a_folder_that_is_not_there_yet_is_looked_at_where_it_will_be_made(laid: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    assert disk.folders(site(laid)) == (laid, temporary, laid / "stack")
    (laid / "runs").mkdir()
    assert disk.folders(site(laid)) == (laid / "runs", temporary, laid / "stack")
    with_stack_id = site(laid, stack_id="ocid1.ormstack.1", checkout=laid / "stack")
    assert disk.folders(with_stack_id) == (laid / "runs", temporary, laid / "stack")
    assert disk.folders(site(laid, stack_id="ocid1.ormstack.1")) == (laid / "runs", temporary)


def test_a_look_leaves_nothing(laid: Path) -> None:
    before = sorted(laid.rglob("*"))
    (check,) = disk.look(SimpleNamespace(site=site(laid)))  # type: ignore[arg-type]
    assert check.outcome is CheckResult.OK
    assert sorted(laid.rglob("*")) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_room_that_is_not_there(laid: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    (check,) = disk.look(SimpleNamespace(site=site(laid)))  # type: ignore[arg-type]
    assert check.outcome is CheckResult.BLOCKING
    assert complete(check)
    assert f"{laid / 'stack'}: {os.strerror(code)}" in check.actual


def test_a_folder_in_which_nobody_may_write(laid: Path) -> None:
    assert disk.objection(Path("/proc")) != ""
    assert disk.objection(laid) == ""


def test_a_state_of_somebody_else(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk.locked_out(site(laid)) is None
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path).name, mode) != (STATE_FILE, os.W_OK))
    state = laid / "stack" / STATE_FILE
    assert disk.locked_out(site(laid)) == state
    assert disk.locked_out(site(laid, stack_id="ocid1.ormstack.1")) is None
    check = disk.judge({laid: ""}, state)
    assert check.outcome is CheckResult.BLOCKING
    assert complete(check)
    assert str(state) in check.remedy
