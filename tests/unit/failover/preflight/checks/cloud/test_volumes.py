"""Volumes and attachments that a failover can use, and others."""

from dataclasses import replace

import pytest

from failover.cloud.resources import VolumeFacts
from failover.model.attachments import Attachment
from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import volumes
from tests.unit.failover.preflight.ground import AD1, AD2, HELD, STACK, complete


@pytest.mark.parametrize(
    ("state", "domain", "wanted", "outcome"),
    [
        ("AVAILABLE", AD1, AD1, CheckResult.OK),
        ("AVAILABLE", AD1.lower(), AD1, CheckResult.OK),
        ("AVAILABLE", AD1, None, CheckResult.OK),  # an old state does not tell
        ("AVAILABLE", AD2, AD1, CheckResult.BLOCKING),
        ("FAULTY", AD1, AD1, CheckResult.BLOCKING),
        ("TERMINATED", AD1, AD1, CheckResult.BLOCKING),
    ],
)
def test_a_volume(state: str, domain: str, wanted: str | None, outcome: CheckResult) -> None:
    found = volumes.judge_volume("bv1", VolumeFacts(state, domain, None), "nfs-srv-2", wanted)
    assert found.outcome is outcome
    assert complete(found)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([HELD], CheckResult.OK),
        ([], CheckResult.WARNING),
        ([replace(HELD, id="ocid1.attachment.2")], CheckResult.WARNING),  # another one than the state's
        ([replace(HELD, state="DETACHING")], CheckResult.WARNING),
        ([replace(HELD, shareable=True)], CheckResult.WARNING),
        ([replace(HELD, agent_login=True)], CheckResult.WARNING),
        ([replace(HELD, instance_id="ocid1.instance.stranger")], CheckResult.BLOCKING),
        ([replace(HELD, shareable=True), replace(HELD, id="x", shareable=True)], CheckResult.BLOCKING),
    ],
)
def test_an_attachment(found: list[Attachment], outcome: CheckResult) -> None:
    (check,) = volumes.judge_attachments(STACK, {"bv1": found})
    assert check.outcome is outcome
    assert complete(check)
