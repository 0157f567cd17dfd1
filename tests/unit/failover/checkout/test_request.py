"""What a checkout asks for, on real Git: whose decision it is, how old, and when that cannot be told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from failover.checkout import request
from failover.checkout.origin import Door
from failover.model.outcome import Refused, Usage
from failover.model.switch_record import Switched
from tests.unit.failover.checkout.repository import FILE, NOON, Repository


def switched(active: str, at: datetime) -> Switched:
    return Switched(active, "root@operator", at, "cli")


def refusal(repository: Repository, last: Switched) -> Refused:
    with pytest.raises(Refused) as refused:
        Door("gitops", request.read(repository.file)).check(last)
    return refused.value


def test_a_commit_older_than_the_switch_is_refused_with_both_sides_named(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    error = refusal(repository, switched("nfs-srv-2", NOON + timedelta(hours=1)))
    for part in (
        "would flip back a newer switch",
        "nfs-srv-2 was made the active server by root@operator at 2026-11-22 13:00:00 UTC (door: cli)",
        "of 2026-11-22 12:00:00 UTC",
        "Make nfs-srv-1 the active server",
        "Aiko",
    ):
        assert part in error.reason
    assert "make a newer commit" in error.remedy


def test_a_commit_newer_than_the_switch_goes_through(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    Door("gitops", request.read(repository.file)).check(switched("nfs-srv-2", NOON - timedelta(seconds=1)))


def test_a_newer_commit_that_says_the_same_again_is_the_override(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    last = switched("nfs-srv-2", NOON + timedelta(hours=1))
    refusal(repository, last)
    repository.decide("nfs-srv-1", NOON + timedelta(hours=2), comment="# all the same\n")
    Door("gitops", request.read(repository.file)).check(last)


def test_a_rebase_does_not_make_a_decision_newer(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON, rebased=NOON + timedelta(days=2))
    assert "flip back" in refusal(repository, switched("nfs-srv-2", NOON + timedelta(days=1))).reason


def test_a_commit_elsewhere_does_not_make_the_line_newer(repository: Repository) -> None:
    repository.decide("nfs-srv-1", NOON)
    (repository.folder / "README.md").write_text("new\n")
    repository.git("add", "-A")
    late = (NOON + timedelta(days=3)).isoformat()
    repository.git("commit", "-qm", "Other", GIT_AUTHOR_DATE=late, GIT_COMMITTER_DATE=late)
    assert "flip back" in refusal(repository, switched("nfs-srv-2", NOON + timedelta(days=1))).reason


def test_the_server_of_the_record_is_never_refused(repository: Repository) -> None:
    repository.decide("nfs-srv-2", NOON)
    Door("gitops", request.read(repository.file)).check(switched("nfs-srv-2", NOON + timedelta(days=9)))
    Door("gitops", request.read(repository.file)).check(None)


def test_a_shallow_clone_is_refused_not_believed(repository: Repository, tmp_path: Path) -> None:
    """Git tells of the clone's oldest commit that it made every file, just now."""
    repository.decide("nfs-srv-1", NOON)
    (repository.folder / "README.md").write_text("new\n")
    repository.git("add", "-A")
    late = (NOON + timedelta(days=3)).isoformat()
    repository.git("commit", "-qm", "Other", GIT_AUTHOR_DATE=late, GIT_COMMITTER_DATE=late)
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.folder}", str(tmp_path / "shallow"))
    found = request.read(tmp_path / "shallow" / "terraform" / FILE)
    with pytest.raises(Refused, match="history does not reach back") as refused:
        Door("gitops", found).check(switched("nfs-srv-2", NOON + timedelta(days=1)))
    assert "fetch-depth: 0" in refused.value.remedy
    repository.git("clone", "-q", "--depth", "2", f"file://{repository.folder}", str(tmp_path / "deeper"))
    assert request.read(tmp_path / "deeper" / "terraform" / FILE).commit is None


def test_edits_that_are_not_committed_are_nobodys_decision(repository: Repository) -> None:
    repository.decide("nfs-srv-2", NOON + timedelta(days=2))
    repository.file.write_text('active_server = "nfs-srv-1"\n')
    error = refusal(repository, switched("nfs-srv-2", NOON))
    assert "edits that are not committed" in error.reason


def test_a_folder_without_git_asks_for_its_server_and_proves_nothing(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text('# who serves\nactive_server="nfs-srv-1" # home\n')
    found = request.read(file)
    assert found.server == "nfs-srv-1"
    with pytest.raises(Refused, match="is not a Git checkout"):
        request.refuse_stale_request(found, switched("nfs-srv-2", NOON))


@pytest.mark.parametrize("text", ["", 'active_server = "a"\nactive_server = "b"\n', "active_server = a\n"])
def test_a_file_that_names_no_one_server_is_a_usage_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / FILE
    file.write_text(text)
    with pytest.raises(Usage, match=r"expected one"):
        request.server(file)
    with pytest.raises(Usage, match="No such file"):
        request.server(tmp_path / "missing")
