"""active.auto.tfvars: a switch changes its one line, and no other byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.checkout import commit
from failover.checkout.active_file import ACTIVE_FILE, write_active
from tests.unit.failover.checkout.repository import FILE, NOON, Repository


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 'active_server = "nfs-srv-2"\n'),
        ('active_server = "nfs-srv-1"\n', 'active_server = "nfs-srv-2"\n'),
        ('# asked by Aiko\n  active_server="nfs-srv-1"', '# asked by Aiko\nactive_server = "nfs-srv-2"'),
        ('active_server = "a"\nactive_server = "b"\n', 'active_server = "nfs-srv-2"\n'),
        (b"# \xff\nactive_server = 1\n", 'active_server = "nfs-srv-2"\n'),
    ],
    ids=["no file", "the line", "with a comment", "two lines", "no text"],
)
def test_the_line_is_changed(tmp_path: Path, before: str | bytes | None, after: str) -> None:
    file = tmp_path / ACTIVE_FILE
    if before is not None:
        file.write_bytes(before if isinstance(before, bytes) else before.encode())
    write_active(tmp_path, "nfs-srv-2")
    assert file.read_text() == after


def test_a_comment_in_the_checkout_does_not_stop_the_commit(repository: Repository) -> None:
    """docs/door-gitops.md: a comment line is how the same decision is made anew."""
    repository.decide("nfs-srv-1", NOON, comment="# all the same\n")
    commit.refuse_unless_possible(repository.file)
    write_active(repository.file.parent, "nfs-srv-2")
    assert "committed" in commit.make(repository.file, "nfs-srv-2", None)
    assert repository.git("show", "HEAD:terraform/" + FILE) == '# all the same\nactive_server = "nfs-srv-2"\n'
