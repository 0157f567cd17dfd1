"""The comment on a pull request: one, its own, on whatever page it stands; what is said when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.model.outcome import Unknown, Usage
from failover.pipeline import pull_request
from failover.pipeline.plan_comment import MARK
from tests.terraform.doubles.github import NUMBER, REPOSITORY, TOKEN, Comments, github

BOT = "github-actions[bot]"


@pytest.fixture
def comments() -> Iterator[Comments]:
    with github() as running:
        yield running


@pytest.fixture
def job(tmp_path: Path, comments: Comments) -> dict[str, str]:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": NUMBER}}))
    return {
        "GITHUB_API_URL": comments.address,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
    }


def test_its_own_comment_is_found_on_a_later_page_and_renewed(
    job: dict[str, str], comments: Comments
) -> None:
    for number in range(120):
        comments.add("octocat", f"talk {number}")
    comments.add("octocat", f"{MARK}\nquoted by a person")
    comments.add(BOT, "another workflow's")
    mine = comments.add(BOT, f"{MARK}\nold")
    pull_request.renew(f"{MARK}\nnew", job)
    assert comments.writes == ["PATCH"]
    assert mine["body"] == f"{MARK}\nnew"
    assert sum("new" in c["body"] for c in comments.all) == 1


def test_a_plan_that_is_too_long_is_cut_not_lost(job: dict[str, str], comments: Comments) -> None:
    pull_request.renew(MARK + "x" * 70_000, job)
    assert len(comments.all[0]["body"]) < 65_536
    assert comments.all[0]["body"].endswith("(cut off here)\n")


def test_a_token_without_the_right_is_unknown_with_the_remedy(
    job: dict[str, str], comments: Comments
) -> None:
    with pytest.raises(Unknown, match="HTTP 401") as error:
        pull_request.renew(MARK, {**job, "GITHUB_TOKEN": "another"})
    assert "pull-requests: write" in error.value.remedy
    assert "another" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_API_URL": "http://example.com"}, "GITHUB_API_URL is http://example.com"),
        ({"GITHUB_EVENT_PATH": "/nowhere"}, "/nowhere names no pull request"),
    ],
)
def test_what_is_missing_is_named(job: dict[str, str], change: dict[str, str], expected: str) -> None:
    with pytest.raises(Usage, match=expected):
        pull_request.renew(MARK, {**job, **change})


def test_only_a_plan_is_put_there(tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    with pytest.raises(Usage, match="No such file"):
        pull_request.text(file)
    file.write_text("")
    with pytest.raises(Usage, match="does not begin with"):
        pull_request.text(file)
