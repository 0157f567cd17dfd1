"""Whether the target finds the hooks that its loader wants, and what the rendered document wants."""

import base64

import pytest

from failover.bundle import zipapp
from failover.bundle.cloud_init import render_cloud_init, user_data
from failover.preflight.checks.hosts.boot import judge, pinned_in

WANTED = "a" * 64


@pytest.mark.parametrize(
    ("here", "with_data", "outcome", "found"),
    [
        (True, set(), "ok", "aaaaaaaaaaaaaaaa, which nfs-srv-2 wants, is on nfs-srv-2"),
        (False, {WANTED, "b" * 64}, "ok", "aaaaaaaaaaaaaaaa, which nfs-srv-2 wants, is on the volumes"),
        (False, {"b" * 64}, "warning", "nfs-srv-2 runs hooks with SHA-256 aaaaaaaaaaaaaaaa alone"),
    ],
)
def test_where_they_are(here: bool, with_data: set[str], outcome: str, found: str) -> None:
    check = judge("nfs-srv-2", WANTED, here, with_data)
    assert (check.outcome.value, check.actual[: len(found)]) == (outcome, found)


def test_what_a_rendered_document_wants() -> None:
    assert pinned_in(user_data(render_cloud_init()) + "\n") == zipapp.hooks_sha256()


@pytest.mark.parametrize(
    "text", ["", "no base64!", base64.b64encode(b"no gzip").decode(), user_data("#cloud-config\n")]
)
def test_another_document_wants_none(text: str) -> None:
    assert pinned_in(text) == ""
