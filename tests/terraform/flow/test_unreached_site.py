"""A failover from a machine that reaches no host over SSH: by the API alone, with real Terraform and SDK.

In the place of the new server's boot service the test writes the line that it prints, when its turn has come.
That the service prints it is not shown here.
"""

from __future__ import annotations

import io
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from failover.command.request import Request, SiteChoice
from failover.model.outcome import Outcome
from failover.observe import console_line as consoles
from failover.report.report import Report
from failover.verbs import failover
from tests import sources
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.RUN)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("unreached")) as made:
        made.file.write_text(made.file.read_text().replace("[ssh]", "[ssh]\nreach = false"))
        yield made


def fail_over(site: WholeSite, target: str) -> Report:
    """The product's failover; a connection to any host fails the test."""
    with mock.patch("failover.hosts.hook_runner.SshHost", side_effect=AssertionError("a host was asked")):
        out = Console(file=io.StringIO(), width=200)
        return failover.fail_over(Request(target, SiteChoice(str(site.file)), yes=True), out)


def steps(report: Report) -> list[str]:
    return [s.name for s in report.plan.steps] if report.plan else []


def print_line(site: WholeSite) -> None:
    """On the console of nfs-srv-2: that it serves what is attached to it now."""
    second = site.instances()[SECOND]
    where = "kind = 'volumeattachment' AND json_extract(body, '$.instanceId') = ?"
    ids = [a["id"] for a in site.model.bodies(where, second) if a["lifecycleState"] == "ATTACHED"]
    database = sqlite3.connect(site.cloud.run / "cloud.db", timeout=30)
    with database:
        (hidden,) = database.execute("SELECT hidden FROM resources WHERE id = ?", (second,)).fetchone()
        told = json.loads(hidden) | {"console": f"[   61.2] {consoles.line(ids)}\n"}
        database.execute("UPDATE resources SET hidden = ? WHERE id = ?", (json.dumps(told), second))
    database.close()


@contextmanager
def boot_service(site: WholeSite) -> Iterator[None]:
    """Prints the line once the run to come waits for it."""
    ended = threading.Event()
    runs = site.file.parent / "runs"
    earlier = set(runs.glob("*/journal.jsonl"))

    def begun() -> bool:
        journals = set(runs.glob("*/journal.jsonl")) - earlier
        return any('"step-started", "step": "take-over' in j.read_text() for j in journals)

    def work() -> None:
        while not ended.is_set() and not begun():
            time.sleep(0.05)
        if not ended.is_set():
            print_line(site)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_1_without_the_line_on_its_console_the_end_is_unknown(site: WholeSite) -> None:
    report = fail_over(site, SECOND)
    assert report.outcome is Outcome.UNKNOWN, report.reason
    assert steps(report) == [
        "launch nfs-srv-2",
        "reach nfs-srv-2",
        "power-off nfs-srv-1",
        "switch nfs-srv-2",
        "take-over nfs-srv-2",
    ]
    assert "nfs-srv-2 has the volumes, but its console does not say within 5 s" in report.reason
    assert site.model.state(site.first) == "STOPPED"
    assert site.holders() == {"bv1": ["ATTACHED nfs-srv-2"], "bv2": ["ATTACHED nfs-srv-2"]}


def test_2_the_same_command_waits_for_it_and_verifies_by_the_api(site: WholeSite) -> None:
    with boot_service(site):
        report = fail_over(site, SECOND)
    assert report.outcome is Outcome.DONE, report.reason
    assert steps(report) == ["reach nfs-srv-2", "take-over nfs-srv-2"]
    found: dict[str, Any] = {f.subject: f for f in report.findings}
    assert found["server nfs-srv-2"].actual == "its console says that it serves these attachments"
    assert all(f.ok for f in report.findings)
    assert "client nfs-cli" not in found
    assert report.second_plan_changes == 0


def test_3_then_there_is_nothing_to_do(site: WholeSite) -> None:
    report = fail_over(site, SECOND)
    assert (report.outcome, steps(report)) == (Outcome.NOTHING_TO_DO, [])
    assert "client nfs-cli is not reached from here: it is left alone, not verified" in report.notes


def test_4_home_to_the_adopted_server_is_refused_from_here(site: WholeSite) -> None:
    report = fail_over(site, FIRST)
    assert report.outcome is Outcome.REFUSED
    assert "nfs-srv-1 is adopted and has no boot service" in report.reason
    assert site.holders() == {"bv1": ["ATTACHED nfs-srv-2"], "bv2": ["ATTACHED nfs-srv-2"]}
