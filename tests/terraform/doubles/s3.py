"""The few calls of S3 that Terraform's backend makes, as the protocol has them, conditional PUT included.

In memory, on the loopback address. Signatures are not checked. Any other call is answered 501.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.paths import ROOT
from tests.terraform.doubles.loopback import served

KEY = "site/terraform.tfstate"  # of the state, as docs/state.md has it
KEYS = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab", "AWS_EC2_METADATA_DISABLED": "true"}


class Bucket:
    """`objects` by key; `seen`: every (method, key) so far."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.seen: list[tuple[str, str]] = []
        self.address = ""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        if "aws-chunked" in headers.get("Content-Encoding", ""):
            return 501, _error("NotImplemented")
        where = urlsplit(path)
        _, _, key = where.path.lstrip("/").partition("/")
        with self._lock:
            self.seen.append((method, key))
            if method == "GET" and not key:
                return 200, self._listed(parse_qs(where.query).get("prefix", [""])[0])
            if method in ("GET", "HEAD"):
                return (200, self.objects[key]) if key in self.objects else (404, _error("NoSuchKey"))
            if method == "PUT":
                return self._put(key, body, only_new=headers.get("If-None-Match") == "*")
            if method == "DELETE":
                self.objects.pop(key, None)
                return 204, b""
        return 501, _error("NotImplemented")

    def _put(self, key: str, body: bytes, only_new: bool) -> tuple[int, bytes]:
        if only_new and key in self.objects:
            return 412, _error("PreconditionFailed")
        self.objects[key] = body
        return 200, b""

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
    with served(bucket.answer) as bucket.address:
        yield bucket


def backend(bucket: Bucket) -> str:
    """The very backend that docs/state.md shows, at this bucket's address."""
    (text,) = re.findall(r"```hcl\n(terraform \{.*?)```", (ROOT / "docs/state.md").read_text(), re.DOTALL)
    return re.sub(r'"https://NAMESPACE[^"]+"', json.dumps(bucket.address), text)
