"""The comments of one pull request, as GitHub's REST API has them: list, create, update."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.terraform.doubles.loopback import served

TOKEN = "job-token"  # noqa: S105 - of a server that exists in a test
REPOSITORY = "example/site"
NUMBER = 7
_LIST = f"/repos/{REPOSITORY}/issues/{NUMBER}/comments"
_ONE = f"/repos/{REPOSITORY}/issues/comments/"


class Comments:
    """What stands on the pull request. `writes`: methods of the calls that changed it."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self.writes: list[str] = []
        self.address = ""

    def add(self, login: str, body: str) -> dict[str, Any]:
        comment = {"id": 100 + len(self.all), "user": {"login": login}, "body": body, "html_url": "there"}
        self.all.append(comment)
        return comment

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        where = urlsplit(path)
        if method == "GET" and where.path == _LIST:
            asked = {k: int(v[0]) for k, v in parse_qs(where.query).items()}
            first = (asked["page"] - 1) * asked["per_page"]
            return 200, self.all[first : first + asked["per_page"]]
        if method == "POST" and where.path == _LIST:
            self.writes.append(method)
            return 201, self.add("github-actions[bot]", body["body"])
        if method == "PATCH" and where.path.startswith(_ONE):
            (comment,) = (c for c in self.all if c["id"] == int(where.path.removeprefix(_ONE)))
            self.writes.append(method)
            return 200, comment | {"body": comment.update(body) or comment["body"]}
        return 404, {"message": "Not Found"}


@contextmanager
def github() -> Iterator[Comments]:
    """A server on the loopback address."""
    comments = Comments()

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        status, said = 401, {"message": "Bad credentials"}
        if headers["Authorization"] == f"Bearer {TOKEN}":
            status, said = comments.answer(method, path, json.loads(body) if body else None)
        return status, json.dumps(said).encode()

    with served(answer) as comments.address:
        yield comments
