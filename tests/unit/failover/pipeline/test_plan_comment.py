"""The plan as a comment: all that decides is in it, nothing in it can break it, and the page shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.model.observation import Presence
from failover.model.outcome import Outcome
from failover.model.resource_change import Change
from failover.pipeline import plan_comment
from failover.plan import document, planner
from failover.report.report import Report
from tests.unit.failover.pipeline import comment_example
from tests.unit.failover.plan.site_model import usual


def test_the_page_shows_the_comment_as_it_comes_out() -> None:
    text = comment_example.PAGE.read_text()
    assert comment_example.shown(text) == comment_example.comment(), (
        "bring it up to date: python -m tests.unit.failover.pipeline.comment_example"
    )


def test_every_step_is_there_with_its_reason() -> None:
    report = comment_example.report()
    text = comment_example.comment()
    assert text.startswith(plan_comment.MARK + "\n")
    assert report.plan
    for number, step in enumerate(report.plan.steps, 1):
        assert f"| {number} | {step.name} |" in text
        assert step.why in text
    assert "nfs-srv-1: its power is cut, proven by the API" in text
    assert "nfs-srv-1 (RUNNING by the API, does not answer SSH)" in text
    assert "to nfs-srv-1 by aiko@ops-1 at 2026-09-14 03:02:11 UTC (door: cli)" in text
    assert document.expected_seconds(report.plan) > 600
    assert "\n\n\n" not in text


def test_what_is_destroyed_is_never_passed_over() -> None:
    changes = (*comment_example.CHANGES, Change('oci_core_volume.data["bv3"]', ("delete",)))
    assert plan_comment.destroyed(changes) == 'ATTENTION: oci_core_volume.data["bv3"]'
    replaced = (Change('oci_core_instance.server["nfs-srv-2"]', ("delete", "create")),)
    assert plan_comment.destroyed(replaced).startswith("ATTENTION: oci_core_instance")
    assert plan_comment.destroyed(()) == "nothing: no server, no volume, no data"


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN, Outcome.FAILED, Outcome.USAGE])
def test_what_stops_it_is_told_with_its_remedy(outcome: Outcome) -> None:
    report = Report("nfs-srv-2", "plan", outcome, reason="bv1 is attached twice", remedy="detach one")
    text = plan_comment.markdown(report, "remount")
    assert "bv1 is attached twice - nothing was changed" in text
    assert "**What to do:** detach one" in text
    assert outcome.value in text.splitlines()[1].lower()
    assert "| **gains" not in text


def test_nothing_to_do_is_told_as_that() -> None:
    report = Report("nfs-srv-1", "plan", Outcome.NOTHING_TO_DO, "nfs-srv-1", changes=())
    text = plan_comment.markdown(report, "remount")
    assert "## Nothing to do: nfs-srv-1 is the active server" in text
    assert "Terraform: no changes" in text


def test_what_the_cloud_or_a_commit_says_cannot_write_markdown() -> None:
    reason = "| x |\n</details><script> `rm` *b* [a](http://e) @octocat"
    report = Report("nfs-srv-2", "plan", Outcome.UNKNOWN, reason=reason)
    report.changes = (Change('a["```\n# b"]', ("create",)),)
    text = plan_comment.markdown(report, "remount")
    assert r"\| x \| \</details\>\<script\> \`rm\` \*b\* \[a\](http://e) @" + "\u200boctocat" in text
    assert "```\n# b" not in text
    assert text.count("```") == 2


def test_a_machine_that_reaches_no_host_says_so_and_what_that_means() -> None:
    seen = usual().observe("nfs-srv-2")
    servers = {n: replace(s, presence=Presence.NOT_ASKED, answer=None) for n, s in seen.servers.items()}
    seen = replace(seen, servers=servers, clients=(), reach=False)
    plan = planner.make(seen)
    report = replace(comment_example.report(), observation=seen, plan=plan, notes=plan.notes)
    text = plan_comment.markdown(report, "remount")
    assert "**The hosts were not asked**" in text
    assert "is fenced by cutting its power, never by a release" in text
    assert "nfs-srv-1 (RUNNING by the API)" in text
    assert "**The hosts were not asked**" not in comment_example.comment()
