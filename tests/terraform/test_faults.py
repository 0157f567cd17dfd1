"""Every API call in a failover's path, going wrong: the outcome, the words, what is left, and the way back.

TABLE is the specification, docs/faults.md is what came of it (NFS_FAILOVER_WRITE_FAULTS=1 writes it anew).
After each row the same command is run without the fault and must end in done. At no time may a volume be
attached twice or two hosts serve; tests/terraform/hosts_double.py watches for both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.terraform.lab_cloud import REPOSITORY
from tests.terraform.whole_site import FIRST, SECOND, WholeSite, whole_site

DOCUMENT = REPOSITORY / "docs" / "faults.md"
OLD, NEW, NOBODY = "ATTACHED old", "ATTACHED new", "nobody"

REFUSED = {"status": 401, "code": "NotAuthenticated", "message": "The key is not known."}
LIE = {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "Authorization failed or not found."}
CONFLICT = {"status": 409, "code": "IncorrectState", "message": "Another change is under way."}
STORM = {"status": 429, "code": "TooManyRequests", "message": "Too many requests for the user."}
BROKEN = {"status": 500, "code": "InternalServerError", "message": "Internal error."}
CAPACITY = {"status": 500, "code": "InternalError", "message": "Out of host capacity."}
HANG: dict[str, Any] = {"hang": True}
RESET: dict[str, Any] = {"drop": True}
LOST: dict[str, Any] = {"drop": True, "after": True}
STUCK: dict[str, Any] = {"stuck": True}
ALWAYS = {"count": 0}


@dataclass(frozen=True)
class Row:
    """`words`: all must be in the reason. `left`: who holds the volumes right after the faulty run."""

    operation: str
    fault: str
    how: dict[str, Any] = field(hash=False)
    outcome: str
    words: tuple[str, ...] = ()
    left: str = OLD
    of: str = ""  # the server whose calls are meant: old, new, or any

    @property
    def name(self) -> str:
        return f"{self.operation} {self.of} {self.fault}".replace("  ", " ")


LOOKING = (
    Row("ListVolumeAttachments", "401", REFUSED, "unknown", ("ListVolumeAttachments: HTTP 401",)),
    Row("ListVolumeAttachments", "404 that lies", LIE, "unknown", ("HTTP 404",)),
    Row("ListVolumeAttachments", "409", CONFLICT, "unknown", ("HTTP 409",)),
    Row("ListVolumeAttachments", "500 always", BROKEN | ALWAYS, "unknown", ("HTTP 500",)),
    Row("GetInstance", "401", REFUSED, "unknown", ("GetInstance: HTTP 401",)),
    Row("GetInstance", "404 that lies", LIE, "unknown", ("HTTP 404",)),
    Row("GetInstance", "429 storm", STORM | ALWAYS, "unknown", ("HTTP 429",)),
    Row("GetInstance", "hang", HANG | ALWAYS, "unknown", ("GetInstance: no answer",)),
    Row("GetInstance", "connection reset, always", RESET | ALWAYS, "unknown", ("no answer",)),
)
POWER = (
    Row("InstanceAction", "401", REFUSED, "unknown", ("InstanceAction: HTTP 401",), of="old"),
    Row("InstanceAction", "404 that lies", LIE, "unknown", ("InstanceAction: HTTP 404",), of="old"),
    Row("InstanceAction", "409 once", CONFLICT, "done", left=NEW, of="old"),
    Row("InstanceAction", "500 once, 429 once", BROKEN, "done", left=NEW, of="old"),
    Row("InstanceAction", "answer lost", LOST, "done", left=NEW, of="old"),
    Row("InstanceAction", "stuck in STOPPING", STUCK, "unknown", ("STOPPING", "expected STOPPED"), of="old"),
    Row("InstanceAction", "stuck in STARTING", STUCK, "unknown", ("STARTING", "expected RUNNING"), of="new"),
    Row(
        *("InstanceAction", "power stays on", {"refusal": "no"} | ALWAYS, "unknown"),
        *(("expected STOPPED",), OLD, "old"),
    ),
)
SWITCH = (
    Row("GetVolumeAttachment", "401", REFUSED, "unknown", ("401-NotAuthenticated",)),
    Row("GetVolumeAttachment", "404 that lies", LIE, "done", left=NEW),
    Row("DetachVolume", "401", REFUSED | ALWAYS, "unknown", ("401-", "bv1 is ATTACHED to old")),
    Row("DetachVolume", "404 that lies", LIE | ALWAYS, "unknown", ("bv1 is ATTACHED to old",)),
    Row("DetachVolume", "409 once", CONFLICT, "done", left=NEW),
    Row("DetachVolume", "500 once", BROKEN, "done", left=NEW),
    Row(
        "DetachVolume", "answer lost", LOST | ALWAYS, "unknown", ("by the API", "attached to nobody"), NOBODY
    ),
    Row(
        "DetachVolume",
        "stuck in DETACHING",
        STUCK | ALWAYS,
        "unknown",
        ("DETACHING to old",),
        "DETACHING old",
    ),
    Row("DetachVolume", "ends ATTACHED", {"refusal": "busy"} | ALWAYS, "unknown", ("ATTACHED to old",)),
    Row("AttachVolume", "401", REFUSED | ALWAYS, "unknown", ("401-", "attached to nobody"), NOBODY),
    Row("AttachVolume", "404 that lies", LIE | ALWAYS, "unknown", ("404-", "attached to nobody"), NOBODY),
    Row("AttachVolume", "409 once", CONFLICT, "done", left=NEW),
    Row("AttachVolume", "429 once", STORM, "done", left=NEW),
    Row("AttachVolume", "500 always", BROKEN | ALWAYS, "unknown", ("attached to nobody",), NOBODY),
    Row("AttachVolume", "hang", HANG | ALWAYS, "unknown", ("attached to nobody",), NOBODY),
    Row("AttachVolume", "answer lost", LOST | ALWAYS, "unknown", ("ATTACHED to new",), NEW),
    Row(
        "AttachVolume",
        "stuck in ATTACHING",
        STUCK | ALWAYS,
        "unknown",
        ("ATTACHING to new",),
        "ATTACHING new",
    ),
    Row(
        "AttachVolume", "ends DETACHED", {"refusal": "no"} | ALWAYS, "failed", ("attached to nobody",), NOBODY
    ),
)
LAUNCH = (
    Row("LaunchInstance", "401", REFUSED | ALWAYS, "unknown", ("401-", "the API has no nfs-srv-2")),
    Row("LaunchInstance", "Out of host capacity", CAPACITY, "failed", ("Out of host capacity",)),
    Row("LaunchInstance", "ends TERMINATED", {"refusal": "no"}, "failed", ("the API has no nfs-srv-2",)),
    Row("LaunchInstance", "answer lost", LOST, "unknown", ("the next run takes up",)),
    Row("LaunchInstance", "stuck in PROVISIONING", STUCK, "unknown", ("the next run takes up",)),
    Row("CaptureConsoleHistory", "404 that lies", LIE, "unknown", ("CaptureConsoleHistory: HTTP 404",)),
)
TABLE = (*LAUNCH, *LOOKING, *POWER, *SWITCH)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    """By row: its line of docs/faults.md."""
    return {}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_fault(row: Row, site: WholeSite, results: dict[str, str]) -> None:
    launching = row in LAUNCH
    if launching:
        send_home(site)
        site.forget_second()
    old = site.serving()
    new = SECOND if old == FIRST else FIRST
    site.silence(old)  # its power is cut, then: the longer way
    inject(site, row, {"old": old, "new": new})
    report, said = site.fail_over(new)
    left = named(site.left(), old, new)
    site.cloud.clear_faults()
    site.assert_never_double()

    assert report.outcome.value == row.outcome, said
    reason = named(report.reason, old, new)
    if not launching:
        assert [w for w in row.words if w not in reason] == [], reason
    else:
        assert [w for w in row.words if w not in report.reason] == [], report.reason
    assert report.remedy or row.outcome == "done"
    assert left == row.left
    results[row.name] = line_of(row, reason, left)
    if report.run is not None and row.outcome != "done":
        report, said = site.fail_over(new)
        assert report.outcome.value == "done", said
    if report.run is not None:
        site.assert_settled_on(new)


def inject(site: WholeSite, row: Row, servers: dict[str, str]) -> None:
    resource = site.instances()[servers[row.of]] if row.of else ""
    site.cloud.inject(operation=row.operation, resource=resource, **row.how)
    if row.fault == "500 once, 429 once":
        site.cloud.inject(operation=row.operation, resource=resource, **STORM)


def send_home(site: WholeSite) -> None:
    """nfs-srv-1 serves, so that nfs-srv-2 can be taken away and launched again."""
    if site.serving() != FIRST:
        site.silence()
        report, said = site.fail_over(FIRST)
        assert report.outcome.value == "done", said


def named(text: str, old: str, new: str) -> str:
    """The two servers by their part in the run: rows go both ways."""
    return text.replace(old, "old").replace(new, "new")


def line_of(row: Row, reason: str, left: str) -> str:
    operation = row.operation + (f" ({row.of} server)" if row.of else "")
    told = re.sub(r"ocid1\.\S+?(?=[\s,:;)]|$)", "OCID", reason)
    told = re.sub(r"Request ID: \w+", "Request ID", told)
    return f"| {operation} | {row.fault} | {row.outcome} | {left} | {shortened(told)} |"


def shortened(text: str) -> str:
    """The words of the message that do not differ from run to run, at most so many of them."""
    return (text[:150] + " ..." if len(text) > 150 else text).replace("|", "/")


def test_the_document_is_current(results: dict[str, str]) -> None:
    """Of the rows that were run; the message may differ in what it counts."""
    written = dict(documented(x) for x in DOCUMENT.read_text().splitlines()) if DOCUMENT.exists() else {}
    if os.environ.get("NFS_FAILOVER_WRITE_FAULTS"):
        written |= dict(documented(line) for line in results.values())
        keys = [documented(line_of(row, "", ""))[0] for row in TABLE]
        DOCUMENT.write_text(PREFACE + "\n".join(written[key] for key in keys if key in written) + "\n")
    for key, line in (documented(line) for line in results.values()):
        assert written.get(key, "").split("|")[:5] == line.split("|")[:5], (
            "docs/faults.md is old: NFS_FAILOVER_WRITE_FAULTS=1 pytest tests/terraform/test_faults.py"
        )


def documented(line: str) -> tuple[str, str]:
    """A line of the document by its call and fault."""
    return "|".join(line.split("|")[1:3]), line


PREFACE = """# What each fault of the API comes to
Every call in the path of a failover from the old server (silent) to the new one, and what comes of it when
it goes wrong. In each case the same command, once the fault is gone, ends in *done*; no volume was ever
attached twice, no two servers served at once. Written and held current by `tests/terraform/test_faults.py`
on the real Terraform, SDK and the lab's API. Deadlines there are a few seconds, so an answer that the
provider would go on asking for (409, 429, 500: up to ten minutes) runs into the deadline of its step and
is *unknown*.

| call | fault | outcome | volumes afterwards | message |
|---|---|---|---|---|
"""
