"""The lock of a local state: the kernel's word, with Terraform's own note of who holds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from failover.stack.state_lock import DEFAULT, STATE_FILE, StatePlace

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
    (folder / f".{STATE_FILE}.lock.info").write_text(text)


def configure(place: StatePlace, kind: str, **config: str | None) -> None:
    """As `terraform init` leaves it."""
    place.data.mkdir()
    backend = {"version": 3, "backend": {"type": kind, "config": config}}
    (place.data / STATE_FILE).write_text(json.dumps(backend))


def test_nobody_holds_the_lock_of_a_state_that_is_elsewhere(tmp_path: Path) -> None:
    assert StatePlace(tmp_path, {}).holder() is None


def test_a_note_that_outlived_a_kill_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("{}")
    note(tmp_path, json.dumps(NOTE))
    assert StatePlace(tmp_path, {}).holder() is None


def test_the_holder_is_named_by_its_note_and_the_lock_is_left_to_it(tmp_path: Path) -> None:
    state = tmp_path / STATE_FILE
    state.write_text("{}")
    with held(state) as pid:
        assert StatePlace(tmp_path, {}).holder() == f"process {pid}"
        note(tmp_path, json.dumps(NOTE))
        told = f"terraform apply of root@ops since 2026-03-01T03:00:00Z, process {pid}"
        assert StatePlace(tmp_path, {}).holder() == told
        note(tmp_path, "{")
        assert StatePlace(tmp_path, {}).holder() == f"process {pid}"
    assert StatePlace(tmp_path, {}).holder() is None


def test_the_state_of_a_workspace(tmp_path: Path) -> None:
    assert StatePlace(tmp_path, {}).path == tmp_path / STATE_FILE
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform" / "environment").write_text("dev")
    assert StatePlace(tmp_path, {}).path == tmp_path / "terraform.tfstate.d" / "dev" / STATE_FILE
    by_night = StatePlace(tmp_path, {"TF_WORKSPACE": "night"})
    assert by_night.path == tmp_path / "terraform.tfstate.d" / "night" / STATE_FILE
    assert StatePlace(tmp_path, {"TF_WORKSPACE": DEFAULT}).path == tmp_path / STATE_FILE


@pytest.mark.parametrize("data", ["../data", ".tf"])
def test_what_init_wrote_is_read_where_the_environment_has_it(tmp_path: Path, data: str) -> None:
    stack, elsewhere = tmp_path / "stack", tmp_path / "elsewhere.tfstate"
    stack.mkdir()
    place = StatePlace(stack, {"TF_DATA_DIR": data})
    configure(place, "local", path=str(elsewhere))
    assert place.path == elsewhere
    assert StatePlace(stack, {}).path == stack / STATE_FILE


def test_workspaces_of_a_local_backend_have_a_folder_of_its_own(tmp_path: Path) -> None:
    place = StatePlace(tmp_path, {"TF_WORKSPACE": "night"})
    configure(place, "local", path=None, workspace_dir="states")
    assert place.path == tmp_path / "states" / "night" / STATE_FILE


def test_a_mark_changes_with_the_file(tmp_path: Path) -> None:
    place = StatePlace(tmp_path, {})
    assert place.mark() is None
    place.path.write_text("1")
    before = place.mark()
    assert before is not None
    assert place.mark() == before
    place.path.write_text("2")
    os.utime(place.path, ns=(0, before[-1] + 1))
    assert place.mark() != before


def test_a_file_that_a_state_kept_elsewhere_left_behind_has_no_mark(tmp_path: Path) -> None:
    place = StatePlace(tmp_path, {})
    place.path.write_text("{}")
    configure(place, "s3", bucket="states")
    assert place.mark() is None
