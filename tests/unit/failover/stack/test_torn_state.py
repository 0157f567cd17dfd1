"""A state that was being written when its Terraform was killed: found, put back, or named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from failover.model.outcome import Refused
from failover.stack import torn_state
from failover.stack.state_lock import STATE_FILE, StatePlace
from tests.unit.failover.stack.test_state_lock import held

WHOLE = json.dumps({"version": 4, "serial": 7, "resources": []})
NEWER = json.dumps({"version": 4, "serial": 9, "resources": []})


def laid(folder: Path, state: str, **backups: str) -> Path:
    """A state, and its backups from the oldest to the newest."""
    for age, (name, text) in enumerate(reversed(backups.items())):
        backup = folder / f"{STATE_FILE}.{name}backup"
        backup.write_text(text)
        os.utime(backup, (10_000 - age, 10_000 - age))
    path = folder / STATE_FILE
    path.write_text(state)
    return path


@pytest.mark.parametrize("torn", ["", WHOLE[:20], "{}", "\0" * 40], ids=["empty", "cut", "other", "zeros"])
def test_the_newest_whole_state_of_before_is_put_back(tmp_path: Path, torn: str) -> None:
    said: list[str] = []
    path = laid(tmp_path, torn, **{"": WHOLE, "1795861794.": NEWER, "1795861795.": NEWER[:9]})
    inode = path.stat().st_ino
    with pytest.raises(Refused, match="a Terraform was killed while it wrote it") as refused:
        torn_state.refuse(StatePlace(tmp_path, {}))
    assert f"cp {path}.1795861794.backup {path}" in refused.value.remedy
    torn_state.put_back(StatePlace(tmp_path, {}), said.append)
    assert path.read_text() == NEWER
    assert path.stat().st_ino == inode
    assert len(said) == 1
    assert f"put back from {path.name}.1795861794.backup" in said[0]
    torn_state.refuse(StatePlace(tmp_path, {}))


def test_what_is_whole_or_was_never_there_is_left_alone(tmp_path: Path) -> None:
    torn_state.put_back(StatePlace(tmp_path, {}), pytest.fail)
    path = laid(tmp_path, WHOLE, **{"": NEWER})
    torn_state.put_back(StatePlace(tmp_path, {}), pytest.fail)
    assert path.read_text() == WHOLE


def test_an_empty_state_without_one_of_before_is_none_yet(tmp_path: Path) -> None:
    laid(tmp_path, "")
    torn_state.put_back(StatePlace(tmp_path, {}), pytest.fail)
    torn_state.refuse(StatePlace(tmp_path, {}))


def test_a_torn_state_without_one_of_before_is_named(tmp_path: Path) -> None:
    path = laid(tmp_path, WHOLE[:20], **{"": WHOLE[:5]})
    with pytest.raises(Refused, match="no state of before lies beside it"):
        torn_state.put_back(StatePlace(tmp_path, {}), pytest.fail)
    assert path.read_text() == WHOLE[:20]


def test_a_state_that_another_process_has_locked_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torn_state, "_WRITING_SECONDS", 0.2)
    path = laid(tmp_path, "", **{"": WHOLE})
    with held(path), pytest.raises(Refused, match="in use by another process"):
        torn_state.put_back(StatePlace(tmp_path, {}), pytest.fail)
    assert path.read_text() == ""


def test_a_local_backend_s_own_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "site.tfstate"
    elsewhere.parent.mkdir()
    elsewhere.write_text("")
    elsewhere.with_name("site.tfstate.backup").write_text(WHOLE)
    folder = tmp_path / "stack"
    (folder / ".terraform").mkdir(parents=True)
    (folder / ".terraform" / STATE_FILE).write_text(
        json.dumps({"version": 3, "backend": {"type": "local", "config": {"path": str(elsewhere)}}})
    )
    with held(elsewhere) as pid:
        assert StatePlace(folder, {}).holder() == f"process {pid}"
    torn_state.put_back(StatePlace(folder, {}), lambda _: None)
    assert elsewhere.read_text() == WHOLE
