"""The one comment that a pull request keeps, found by its first line and renewed (GitHub's REST API)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from failover.model.outcome import Unknown, Usage
from failover.pipeline.plan_comment import MARK

_SECONDS = 30.0
_PAGE = 100
_LONGEST = 65_000  # GitHub takes 65,536 characters
_AUTHOR = "github-actions[bot]"


def renew(plan: str, environment: Mapping[str, str]) -> str:
    """Make the comment, or bring it up to date; its address. Raises Usage or Unknown.

    Reads what GitHub sets for a job: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_EVENT_PATH; and GITHUB_TOKEN.
    """
    api = _Api(environment)
    issue = f"/repos/{_given(environment, 'GITHUB_REPOSITORY')}/issues"
    body = {"body": plan if len(plan) <= _LONGEST else plan[:_LONGEST] + "\n\n(cut off here)\n"}
    for comment in api.all(f"{issue}/{_number(environment)}/comments"):
        if comment["body"].startswith(MARK) and comment["user"]["login"] == _AUTHOR:
            return str(api.call("PATCH", f"{issue}/comments/{comment['id']}", body)["html_url"])
    return str(api.call("POST", f"{issue}/{_number(environment)}/comments", body)["html_url"])


def text(file: Path) -> str:
    """The plan as `plan --format markdown` wrote it; raises Usage for anything else."""
    try:
        comment = file.read_text()
    except OSError as error:
        raise Usage(f"{file}: {error.strerror}", "make it: ./inv plan --format markdown > FILE") from error
    if not comment.startswith(MARK):
        raise Usage(f"{file} does not begin with {MARK}", "make it: ./inv plan --format markdown > FILE")
    return comment


def _number(environment: Mapping[str, str]) -> int:
    path = Path(_given(environment, "GITHUB_EVENT_PATH"))
    try:
        return int(json.loads(path.read_text())["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Usage(
            f"{path} names no pull request ({error!r})", "run it in a job of a pull_request event"
        ) from error


def _given(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise Usage(f"{name} is not set", "run it in a job of GitHub Actions; pass GITHUB_TOKEN by `env:`")


class _Api:
    """GitHub's REST API with the job's token, which is a header and never an argument."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._root = _given(environment, "GITHUB_API_URL")
        if not self._root.startswith(("https://", "http://127.0.0.1:")):
            raise Usage(f"GITHUB_API_URL is {self._root}", "use an https address")
        self._token = _given(environment, "GITHUB_TOKEN")

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of every page."""
        page = 1
        while items := self.call("GET", f"{path}?per_page={_PAGE}&page={page}"):
            yield from items
            if len(items) < _PAGE:
                return
            page += 1

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON; raises Unknown for any other answer, and without an answer."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, headers, method=method)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - checked
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise Unknown(
                f"{method} {path}: HTTP {error.code}",
                "give the job `pull-requests: write`, and GITHUB_TOKEN by `env:`",
            ) from error
        except (OSError, ValueError) as error:
            raise Unknown(f"{method} {path}: no answer: {error}", "run the job again") from error
