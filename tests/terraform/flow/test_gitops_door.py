"""The workflows' own commands, in order, against the lab: plan on the pull request, merge, apply."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from failover.pipeline.plan_comment import MARK
from tests import sources
from tests.terraform.doubles.github import Comments, github
from tests.terraform.sites.git_site import ACTIVE, GitSite
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site
from tests.terraform.stack.test_switch_record import record

pytestmark = pytest.mark.checked(sources.RUN)


@dataclass
class Story:
    """One site, one pull request."""

    site: WholeSite
    git: GitSite
    comments: Comments


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("gitops")
    with whole_site(folder) as site, github() as comments:
        comments.add("octocat", f"{MARK} is what the plan begins with")
        yield Story(site, GitSite(folder, site), comments)


def codes(done: list) -> dict[str, int]:
    return {d.name: d.code for d in done}


def told(done: list) -> str:
    return "\n".join(f"--- {d.name}: {d.code}\n{d.out}{d.err}" for d in done)


def test_1_the_pull_request_gets_its_plan_and_nothing_is_changed(story: Story) -> None:
    story.git.git("checkout", "-q", "-b", "switch")
    story.git.ask_for(SECOND)
    writes = len([r for r in story.site.cloud.requests() if r["method"] != "GET"])
    done = story.git.runner("switch").job("failover-plan", "plan", story.comments)
    assert codes(done) == {"Credentials": 0, "Render": 0, "Plan": 0, "Comment": 0}, told(done)
    comment = story.comments.all[-1]["body"]
    assert comment.startswith(f"{MARK}\n## Failover plan: nfs-srv-2 becomes the active server\n")
    for line in (
        "| **gains the volumes** | nfs-srv-2 (does not exist yet: it is launched from its image) |",
        "| **loses the volumes** | nfs-srv-1 (RUNNING by the API, answers) |",
        "| **volumes that move** | bv1, bv2 |",
        "| **fence** | nfs-srv-1: it releases the volumes itself (it answers: it gives",
        "| **clients** | nfs-cli, by remount |",
        "| **destroyed** | nothing: no server, no volume, no data (the attachments of bv1, bv2 are replaced)",
        "| **usually takes** | about 13",
        "<details><summary>Terraform: 1 to create, 3 to replace</summary>",
        '+ create oci_core_instance.server["nfs-srv-2"]',
        '! replace oci_core_volume_attachment.data["bv1"]',
    ):
        assert line in comment, comment
    assert len([r for r in story.site.cloud.requests() if r["method"] != "GET"]) == writes
    assert story.site.serving() == FIRST


def test_2_another_push_renews_the_same_comment(story: Story) -> None:
    runner = story.git.runner("switch")
    done = runner.job("failover-plan", "plan", story.comments)
    assert not any(codes(done).values()), told(done)
    assert story.comments.writes == ["POST", "PATCH"]
    assert len(story.comments.all) == 2
    assert story.comments.all[0]["body"].endswith("begins with"), "another's comment is left alone"
    for name in (".oci/config", ".oci/key.pem"):
        assert stat.S_IMODE((runner.home / name).stat().st_mode) == 0o600
    assert not (runner.home / ".ssh").exists()


def test_3_the_merge_recovers_the_service(story: Story) -> None:
    story.git.git("checkout", "-q", "main")
    story.git.git("merge", "-q", "--no-ff", "-m", "Merge switch", "switch")
    runner = story.git.runner()
    done = runner.job("failover-apply", "apply")
    assert codes(done) == {"Credentials": 0, "Render": 0, "Apply": 0, "Report": 0}, told(done)
    story.site.assert_never_double()
    assert story.site.holders() == {"bv1": ["ATTACHED nfs-srv-2"], "bv2": ["ATTACHED nfs-srv-2"]}
    assert story.site.serving() == SECOND
    assert story.site.stack.output()["active"] == SECOND
    assert "# Failover to nfs-srv-2: done" in runner.summary.read_text()
    last = record(story.site.stack)
    assert (last.active, last.by, last.door) == (SECOND, "octocat (GitHub run 42)", "gitops")
    assert story.git.git("status", "--porcelain", folder=runner.checkout).replace("?? plan.md", "") == ""


def test_4_the_same_merge_again_has_nothing_to_do(story: Story) -> None:
    before = record(story.site.stack)
    done = story.git.runner().job("failover-apply", "apply")
    assert codes(done)["Apply"] == 0, told(done)
    assert "nothing to do: nfs-srv-2 is the active server" in told(done)
    assert record(story.site.stack) == before


def test_5_an_older_merge_does_not_flip_back_a_newer_failover_by_command(story: Story) -> None:
    """The command was run on a laptop that has the checkout; its commit was not pushed yet."""
    laptop = story.git.runner()
    laptop.job("failover-apply", "apply")  # leaves the credentials there
    ran = laptop.inv("failover", "--active", FIRST, "--yes", "--commit")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "committed active.auto.tfvars as" in ran.stdout
    assert story.git.git("log", "-1", "--format=%s", folder=laptop.checkout).startswith(
        "Make nfs-srv-1 the active server (run 20"
    )
    assert story.git.git("status", "--porcelain", folder=laptop.checkout) == ""
    assert record(story.site.stack).door == "cli"

    done = story.git.runner().job("failover-apply", "apply")
    assert codes(done)["Apply"] == 3, told(done)
    assert "refused: this would flip back a newer switch: nfs-srv-1 was made the active server" in told(done)
    done = story.git.runner().job("failover-plan", "plan", story.comments)
    assert codes(done) == {"Credentials": 0, "Render": 0, "Plan": 3, "Comment": 0}, told(done)
    comment = story.comments.all[-1]["body"]
    assert "## Refused: nfs-srv-2 cannot become the active server as things stand" in comment
    assert "this would flip back a newer switch" in comment
    assert "**What to do:** if nfs-srv-1 is right, commit that" in comment
    assert story.site.serving() == FIRST


def test_6_a_clone_without_history_is_refused(story: Story) -> None:
    (story.git.origin / "notes.txt").write_text("later than the failover\n")
    story.git.commit("Something else")
    done = story.git.runner(depth=1).job("failover-apply", "apply")
    assert codes(done)["Apply"] == 3, told(done)
    assert "history does not reach back" in told(done)
    assert "fetch-depth: 0" in told(done)
    assert story.site.serving() == FIRST


def test_7_a_commit_newer_than_the_failover_goes_through(story: Story) -> None:
    story.git.ask_for(SECOND, comment="# all the same\n")
    done = story.git.runner().job("failover-apply", "apply")
    assert codes(done)["Apply"] == 0, told(done)
    assert story.site.serving() == SECOND
    story.site.assert_never_double()
    assert story.git.git("show", f"HEAD:{ACTIVE}").startswith("# all the same")


def test_8_a_job_without_its_secrets_says_which(story: Story, tmp_path: Path) -> None:
    runner = story.git.runner()
    ran = runner.inv("ci.credentials")
    assert ran.returncode == 2
    assert "OCI_CONFIG, OCI_KEY: not given, or empty" in ran.stderr
    assert not (runner.home / ".oci").exists()
