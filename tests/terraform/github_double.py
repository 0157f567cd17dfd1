"""The comments of one pull request, as GitHub's REST API has them: list, create, update."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

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

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, said = 401, {"message": "Bad credentials"}
            if self.headers["Authorization"] == f"Bearer {TOKEN}":
                status, said = comments.answer(self.command, self.path, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    comments.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield comments
    finally:
        server.shutdown()
        server.server_close()
