"""The few calls of S3 that Terraform's backend makes, as the protocol has them, conditional PUT included.

In memory, on the loopback address. Signatures are not checked. Any other call is answered 501.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Bucket:
    """`objects` by key; `seen`: every (method, key) so far."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.seen: list[tuple[str, str]] = []
        self.address = ""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        where = urlsplit(path)
        _, _, key = where.path.lstrip("/").partition("/")
        with self._lock:
            self.seen.append((method, key))
            if method == "GET" and not key:
                return 200, self._listed(parse_qs(where.query).get("prefix", [""])[0])
            if method in ("GET", "HEAD"):
                return (200, self.objects[key]) if key in self.objects else (404, _error("NoSuchKey"))
            if method == "PUT":
                if headers.get("If-None-Match") == "*" and key in self.objects:
                    return 412, _error("PreconditionFailed")
                self.objects[key] = body
                return 200, b""
            if method == "DELETE":
                self.objects.pop(key, None)
                return 204, b""
        return 501, _error("NotImplemented")

    def _listed(self, prefix: str) -> bytes:
        keys = [k for k in self.objects if k.startswith(prefix)]
        entries = "".join(f"<Contents><Key>{k}</Key></Contents>" for k in keys)
        return f"<ListBucketResult><KeyCount>{len(keys)}</KeyCount>{entries}</ListBucketResult>".encode()


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def s3() -> Iterator[Bucket]:
    """A server with one bucket, of any name."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = bucket.answer(self.command, self.path, self.headers, body)
            if "aws-chunked" in self.headers.get("Content-Encoding", ""):
                status, said = 501, _error("NotImplemented")
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _do

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bucket.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
