"""The lock of a local state: the kernel's word, with Terraform's own note of who holds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from failover.stack import state_lock

HOLD = """
import fcntl, sys
state = open(sys.argv[1], "r+")
fcntl.lockf(state, fcntl.LOCK_EX)
print(flush=True)
input()
"""
NOTE = {"Operation": "OperationTypeApply", "Who": "root@ops", "Created": "2026-03-01T03:00:00Z"}


@contextmanager
def held(state: Path) -> Iterator[int]:
    """Another process has the lock as Terraform takes it; yields its pid."""
    argv = [sys.executable, "-c", HOLD, str(state)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.communicate(b"\n")


def note(folder: Path, text: str) -> None:
    (folder / f".{state_lock.STATE_FILE}.lock.info").write_text(text)


def test_nobody_holds_the_lock_of_a_state_that_is_elsewhere(tmp_path: Path) -> None:
    assert state_lock.holder(tmp_path) is None


def test_a_note_that_outlived_a_kill_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / state_lock.STATE_FILE).write_text("{}")
    note(tmp_path, json.dumps(NOTE))
    assert state_lock.holder(tmp_path) is None


def test_the_holder_is_named_by_its_note_and_the_lock_is_left_to_it(tmp_path: Path) -> None:
    state = tmp_path / state_lock.STATE_FILE
    state.write_text("{}")
    with held(state) as pid:
        assert state_lock.holder(tmp_path) == f"process {pid}"
        note(tmp_path, json.dumps(NOTE))
        told = f"terraform apply of root@ops since 2026-03-01T03:00:00Z, process {pid}"
        assert state_lock.holder(tmp_path) == told
        note(tmp_path, "{")
        assert state_lock.holder(tmp_path) == f"process {pid}"
    assert state_lock.holder(tmp_path) is None


def test_the_state_of_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_lock.path_of(tmp_path) == tmp_path / state_lock.STATE_FILE
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform" / "environment").write_text("dev")
    assert state_lock.path_of(tmp_path) == tmp_path / "terraform.tfstate.d" / "dev" / state_lock.STATE_FILE
    monkeypatch.setenv("TF_WORKSPACE", "night")
    assert state_lock.path_of(tmp_path) == tmp_path / "terraform.tfstate.d" / "night" / state_lock.STATE_FILE
    monkeypatch.setenv("TF_WORKSPACE", state_lock.DEFAULT)
    assert state_lock.path_of(tmp_path) == tmp_path / state_lock.STATE_FILE
