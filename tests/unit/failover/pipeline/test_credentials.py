"""The secrets of a job as files: only for their owner, complete, and never over another's key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from failover.model.outcome import Usage
from failover.pipeline import credentials

GIVEN = {"OCI_CONFIG": "[DEFAULT]\nuser=x", "OCI_KEY": "KEY\n", "SSH_KEY": "", "KNOWN_HOSTS": "10.0.0.1 a b"}


def test_what_is_given_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    written = credentials.write(GIVEN, tmp_path)
    names = [str(p.relative_to(tmp_path)) for p in written]
    assert names == [".oci/config", ".oci/key.pem", ".ssh/known_hosts"]
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (tmp_path / ".oci/config").read_text() == "[DEFAULT]\nuser=x\n"
    assert credentials.write(GIVEN, tmp_path) == written, "twice is the same"


def test_another_key_is_not_lost_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / ".oci").mkdir()
    (tmp_path / ".oci/key.pem").write_text("mine")
    with pytest.raises(Usage, match="exists already, and is another"):
        credentials.write(GIVEN, tmp_path)
    assert (tmp_path / ".oci/key.pem").read_text() == "mine"
    assert not (tmp_path / ".oci/config").exists()


def test_a_secret_that_is_missing_is_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="OCI_KEY: not given, or empty") as error:
        credentials.write({**GIVEN, "OCI_KEY": " "}, tmp_path)
    assert "user=x" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
