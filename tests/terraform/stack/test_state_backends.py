"""The backend that docs/state.md shows, with the real Terraform: of two applies at once, one is refused."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.model.outcome import Refused
from failover.stack.errors import explained
from tests import sources
from tests.terraform.doubles.s3 import KEY, KEYS, Bucket, backend, s3

pytestmark = pytest.mark.checked(sources.RUN)

# No provider has to be had for this, and it takes as long as it is told.
SLOW = """
variable "seconds" { default = 0 }
resource "terraform_data" "slow" {
  triggers_replace = var.seconds
  provisioner "local-exec" { command = "sleep ${var.seconds}" }
}
"""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with s3() as running:
        yield running


def stack(folder: Path, bucket: Bucket, lockfile: str = "true") -> Path:
    """A small stack with the very backend of the page, at another address."""
    text = backend(bucket).replace(
        "use_lockfile                = true", f"use_lockfile                = {lockfile}"
    )
    folder.mkdir()
    (folder / "backend.tf").write_text(text)
    (folder / "main.tf").write_text(SLOW)
    done = start(folder, "init", "-input=false")
    out, _ = done.communicate(timeout=120)
    assert done.returncode == 0, out
    return folder


def start(folder: Path, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["terraform", argv[0], "-no-color", *argv[1:]],
        cwd=folder,
        env={**os.environ, **KEYS, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def apply(folder: Path, seconds: int) -> subprocess.Popen[str]:
    return start(folder, "apply", "-auto-approve", "-lock-timeout=0s", f"-var=seconds={seconds}")


def test_the_page_s_backend_is_valid(tmp_path: Path, bucket: Bucket) -> None:
    folder = stack(tmp_path / "one", bucket)
    assert start(folder, "validate").wait(60) == 0
    assert start(folder, "fmt", "-check", "backend.tf").wait(60) == 0


def test_of_two_applies_at_once_one_is_refused_by_the_lock(tmp_path: Path, bucket: Bucket) -> None:
    first, second = stack(tmp_path / "one", bucket), stack(tmp_path / "two", bucket)
    running = apply(first, 15)
    deadline = time.monotonic() + 120
    while f"{KEY}.tflock" not in bucket.objects:
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    refused = apply(second, 0)
    out, _ = refused.communicate(timeout=120)
    assert running.poll() is None, "the first apply ended too early for this to mean anything"
    assert refused.returncode == 1
    assert "Error acquiring the state lock" in out
    error = explained("apply", out)
    assert isinstance(error, Refused)
    assert "another process holds the state's lock" in error.reason
    out, _ = running.communicate(timeout=120)
    assert running.returncode == 0, out
    assert set(bucket.objects) == {KEY}, "the lock is gone, the state is there"
    assert json.loads(bucket.objects[KEY])["resources"][0]["name"] == "slow"


def test_without_the_lock_file_nothing_is_locked(tmp_path: Path, bucket: Bucket) -> None:
    folder = stack(tmp_path / "one", bucket, lockfile="false")
    assert apply(folder, 0).wait(120) == 0
    assert KEY in bucket.objects
    assert not [key for _, key in bucket.seen if key.endswith(".tflock")]
