"""The commit after a switch by command: of the one file, and only when it is possible."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from failover.checkout import commit
from failover.model.outcome import Failed, Refused
from tests.unit.failover.checkout.repository import FILE, NOON, Repository


def failed_over(repository: Repository, server: str = "nfs-srv-2") -> None:
    """What a failover leaves in the checkout."""
    repository.file.write_text(f'active_server = "{server}"\n')


def test_commit_takes_the_one_file_and_names_the_run(repository: Repository) -> None:
    (repository.folder / "README.md").write_text("old\n")
    repository.decide("nfs-srv-1", NOON)
    commit.refuse_unless_possible(repository.file)
    failed_over(repository)
    (repository.folder / "README.md").write_text("an edit that is not staged\n")
    (repository.folder / "notes.txt").write_text("mine\n")
    told = commit.suggestion(repository.file, "nfs-srv-2", "20261122T120000-000-nfs-srv-2")
    assert "git -C" in told
    assert "commit -m 'Make nfs-srv-2 the active server (run 20261122T120000-000-nfs-srv-2)'" in told
    assert "committed" in commit.make(repository.file, "nfs-srv-2", "20261122T120000-000-nfs-srv-2")
    shown = repository.git("show", "--stat", "--format=%s", "HEAD")
    assert "run 20261122T120000-000-nfs-srv-2" in shown
    assert "1 file changed" in shown
    assert repository.git("status", "--porcelain") == " M README.md\n?? notes.txt\n"
    assert commit.suggestion(repository.file, "nfs-srv-2", None) == ""
    assert "nothing to commit" in commit.make(repository.file, "nfs-srv-2", None)


def test_the_suggested_command_is_the_commit(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    failed_over(repository)
    subprocess.run(
        ["sh", "-c", commit.command(repository.file, "nfs-srv-2", "r")], check=True, capture_output=True
    )
    assert repository.git("show", "HEAD:terraform/" + FILE) == 'active_server = "nfs-srv-2"\n'


def test_commit_is_refused_while_other_changes_are_staged(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    (repository.folder / "notes.txt").write_text("mine\n")
    repository.git("add", "notes.txt")
    with pytest.raises(Refused, match=r"other changes are staged: notes.txt"):
        commit.refuse_unless_possible(repository.file)
    failed_over(repository)
    with pytest.raises(Failed, match="the switch is done and verified, but the commit was not made"):
        commit.make(repository.file, "nfs-srv-2", None)
    assert repository.git("log", "--oneline").count("\n") == 1


def test_commit_is_refused_when_the_file_has_other_edits(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    repository.file.write_text('active_server = "nfs-srv-2"\nregion = "x"\n')
    with pytest.raises(Refused, match="other edits than its line"):
        commit.refuse_unless_possible(repository.file)
    failed_over(repository)  # what a killed run has left is no other edit
    commit.refuse_unless_possible(repository.file)


def test_commit_needs_a_checkout_that_has_the_file(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not in HEAD"):
        commit.refuse_unless_possible(repository.file)
    alone = tmp_path / FILE
    alone.write_text('active_server = "nfs-srv-2"\n')
    with pytest.raises(Refused, match="is not a Git checkout"):
        commit.refuse_unless_possible(alone)
    assert commit.suggestion(alone, "nfs-srv-2", None) == ""
