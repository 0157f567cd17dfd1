"""What a checkout asks for, on real Git: whose decision it is, how old, and when that cannot be told."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from failover.checkout import commit, request
from failover.checkout.origin import Door
from failover.model.outcome import Failed, Refused, Usage
from failover.model.switch_record import Switched
from failover.runs.whoami import who

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = "active.auto.tfvars"


class Repository:
    """A repository in which time is given, not told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Aiko")
        self.git("config", "user.email", "aiko@example.com")
        self.file = folder / "terraform" / FILE
        self.file.parent.mkdir()

    def git(self, *argv: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *argv],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def decide(self, server: str, at: datetime, comment: str = "", rebased: datetime | None = None) -> None:
        """Commit the line, authored at `at`."""
        self.file.write_text(f'{comment}active_server = "{server}"\n')
        self.git("add", "-A")
        committed = (rebased or at).isoformat()
        message = f"Make {server} the active server"
        self.git("commit", "-qm", message, GIT_AUTHOR_DATE=at.isoformat(), GIT_COMMITTER_DATE=committed)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")


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
    assert "commit that anew" in error.remedy


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
    with pytest.raises(Refused, match="is no Git checkout"):
        request.refuse_flip_back(found, switched("nfs-srv-2", NOON))


@pytest.mark.parametrize("text", ["", 'active_server = "a"\nactive_server = "b"\n', "active_server = a\n"])
def test_a_file_that_names_no_one_server_is_a_usage_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / FILE
    file.write_text(text)
    with pytest.raises(Usage, match=r"expected one"):
        request.server(file)
    with pytest.raises(Usage, match="No such file"):
        request.server(tmp_path / "missing")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octo\ncat", "GITHUB_RUN_ID": "7"},
            "octo cat (GitHub run 7)",
        ),
        ({"OCI_BUILD_RUN_ID": "ocid1.x"}, "OCI DevOps build ocid1.x"),
    ],
)
def test_a_pipelines_job_is_named_as_who_switched(environment: dict[str, str], expected: str) -> None:
    assert who(environment) == expected
    assert "@" in who({})


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
    with pytest.raises(Refused, match="is no Git checkout"):
        commit.refuse_unless_possible(alone)
    assert commit.suggestion(alone, "nfs-srv-2", None) == ""
