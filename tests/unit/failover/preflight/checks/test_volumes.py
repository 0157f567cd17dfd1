"""Volumes and attachments that a failover can use, and others."""

from dataclasses import replace

import pytest

from failover.cloud.resources import VolumeFound
from failover.model.attachments import Attachment
from failover.preflight.check import Result
from failover.preflight.checks import volumes
from tests.unit.failover.preflight.ground import AD1, AD2, HELD, STACK, complete


@pytest.mark.parametrize(
    ("state", "domain", "wanted", "outcome"),
    [
        ("AVAILABLE", AD1, AD1, Result.OK),
        ("AVAILABLE", AD1.lower(), AD1, Result.OK),
        ("AVAILABLE", AD1, None, Result.OK),  # an old state does not tell
        ("AVAILABLE", AD2, AD1, Result.BLOCKING),
        ("FAULTY", AD1, AD1, Result.BLOCKING),
        ("TERMINATED", AD1, AD1, Result.BLOCKING),
    ],
)
def test_a_volume(state: str, domain: str, wanted: str | None, outcome: Result) -> None:
    found = volumes.judge_volume("bv1", VolumeFound(state, domain, None), "nfs-srv-2", wanted)
    assert found.outcome is outcome
    assert complete(found)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([HELD], Result.OK),
        ([], Result.WARNING),
        ([replace(HELD, id="ocid1.attachment.2")], Result.WARNING),  # another one than the state's
        ([replace(HELD, state="DETACHING")], Result.WARNING),
        ([replace(HELD, shareable=True)], Result.WARNING),
        ([replace(HELD, instance_id="ocid1.instance.stranger")], Result.BLOCKING),
        ([replace(HELD, shareable=True), replace(HELD, id="x", shareable=True)], Result.BLOCKING),
    ],
)
def test_an_attachment(found: list[Attachment], outcome: Result) -> None:
    (check,) = volumes.judge_attachments(STACK, {"bv1": found})
    assert check.outcome is outcome
    assert complete(check)
