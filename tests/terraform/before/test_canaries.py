"""The canaries from preflight to verify, with the real Terraform, SDK and API; the hosts are doubles.

That the hooks write, read and compare real files is tests/unit/hooks/probe/test_canary.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.bundle.cloud_init import render_cloud_init, user_data
from failover.bundle.zipapp import hooks_sha256
from failover.command.request import SiteChoice
from failover.model.finding import Finding
from failover.preflight.check import Check, CheckResult
from failover.report.report import Report
from failover.runs import journal
from failover.runs.site_lock import site_lock
from failover.verbs import preflight
from tests import sources
from tests.terraform.sites.whole_site import SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.RUN)

DATA, CLIENT = "data /mnt/a", "data /mnt/nfs/a on nfs-cli"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("canaries")) as made:
        yield made


@pytest.fixture
def site(whole: WholeSite) -> WholeSite:
    """nfs-srv-1 serves, and one preflight has refreshed the canaries."""
    whole.model.start("nfs-srv-1", whole.first)
    kept(whole).unlink(missing_ok=True)
    assert check(whole, DATA).outcome is CheckResult.OK
    return whole


def kept(site: WholeSite) -> Path:
    return site.file.parent / "runs" / "canaries.json"


def known(site: WholeSite) -> dict[str, Any]:
    return json.loads(kept(site).read_text())["folders"]["/mnt/a"]


def check(site: WholeSite, name: str) -> Check:
    report = site.look()
    return next(c for c in report.checks if c.name == name)


def finding(report: Report, subject: str) -> Finding:
    return next(f for f in report.findings if f.subject == subject)


def test_before_the_first_preflight_verify_says_so_and_is_content(site: WholeSite) -> None:
    site.model.start("nfs-srv-1", site.first)
    kept(site).unlink()
    report = site.verify()
    assert report.outcome.exit_code == 0, report.reason
    assert finding(report, DATA).actual == "no canaries yet: `./inv preflight` writes them"
    assert finding(report, CLIENT).actual == "neither read nor written: no canaries on it"
    assert not kept(site).exists()


def test_preflight_refreshes_and_keeps_a_copy_that_verify_compares_with(site: WholeSite) -> None:
    assert known(site)["serial"] == 1
    found = check(site, DATA).actual
    assert found.startswith("5 canaries, written 2026-03-14 03:12 UTC (")
    assert found.endswith("refreshed")
    with site.model.open() as model:
        assert known(site)["serial"] == model["manifest"]["serial"] == 2
        assert known(site)["files"] == model["manifest"]["files"]
    report = site.verify()
    assert report.outcome.exit_code == 0, report.reason
    assert finding(report, DATA).actual.endswith("read from the disk; as last known here")
    written = "5 canaries read over NFS; a file written, read back and removed"
    assert finding(report, CLIENT).actual == written


@pytest.mark.parametrize(("mine", "outcome"), [(True, CheckResult.OK), (False, CheckResult.WARNING)])
def test_preflight_tells_whether_a_new_server_would_find_its_hooks(
    site: WholeSite, mine: bool, outcome: CheckResult
) -> None:
    """By the very document that the stack launches it with, and what a refresh has put on the volumes."""
    rendered = site.stack.folder / "rendered" / "user_data"
    before, text = rendered.read_text(), render_cloud_init()
    rendered.write_text(user_data(text if mine else text.replace(hooks_sha256(), "0" * 64)))
    try:
        assert check(site, "hooks at boot").outcome is outcome
    finally:
        rendered.write_text(before)


def test_preflight_writes_nothing_when_told_so_or_while_a_run_has_the_site(site: WholeSite) -> None:
    report = preflight.check(SECOND, SiteChoice(str(site.file)), terraform_plan=False, canaries=False)
    assert not [c for c in report.checks if c.name in ("canaries", DATA)]
    with site_lock(site.file.parent / "runs"):
        found = check(site, "canaries")
    assert (found.outcome, "another run holds this site" in found.actual) == (CheckResult.WARNING, True)
    site.silence("nfs-srv-1")
    found = check(site, "canaries")
    assert (found.outcome, found.actual) == (
        CheckResult.WARNING,
        "not refreshed: nfs-srv-1 does not have the volumes mounted as specified",
    )
    assert known(site)["serial"] == 1


def test_an_older_copy_of_the_data_is_found_and_never_refreshed(site: WholeSite) -> None:
    with site.model.open() as model:
        clone = dict(model["manifest"])
    assert check(site, DATA).outcome is CheckResult.OK
    with site.model.open() as model:
        model["manifest"] = clone
    report = site.verify()
    assert report.outcome.exit_code == 4
    assert finding(report, DATA).actual.startswith("older than it was: canaries of 2026-03-14 03:12 UTC")
    assert "remove /mnt/a/.nfs-failover on nfs-srv-1" in report.remedy
    found = check(site, DATA)
    assert (found.outcome, known(site)["serial"]) == (CheckResult.BLOCKING, 2)
    with site.model.open() as model:
        assert model["manifest"] == clone, "evidence is not written over"


def test_data_without_the_known_canaries_is_another_filesystem(site: WholeSite) -> None:
    with site.model.open() as model:
        model["manifest"] = None
    assert finding(site.verify(), DATA).actual == "the canaries written 2026-03-14 03:12 UTC are gone"
    assert check(site, DATA).outcome is CheckResult.BLOCKING


def test_a_client_that_cannot_write_is_not_right(site: WholeSite) -> None:
    with site.model.open() as model:
        model["write"] = "Read-only file system"
    report = site.verify()
    assert report.outcome.exit_code == 4
    told = finding(report, CLIENT)
    assert (told.ok, told.actual) == (
        False,
        "5 canaries read over NFS, but a write: Read-only file system",
    )


def test_a_copy_that_is_not_readable_stops_and_says_what_to_do(site: WholeSite) -> None:
    kept(site).write_text("[")
    report = site.verify()
    assert (report.outcome.exit_code, "found no manifests of canaries in it" in report.reason) == (4, True)
    assert "run `./inv preflight`" in report.remedy
    assert check(site, "canaries").outcome is CheckResult.BLOCKING


def test_a_failover_reads_the_data_back_on_the_new_server_and_keeps_the_finding(site: WholeSite) -> None:
    report, said = site.fail_over(SECOND)
    assert report.outcome.exit_code == 0, said
    assert finding(report, DATA).ok
    assert "as last known here" in finding(report, DATA).actual
    assert finding(report, CLIENT).ok
    assert report.folder is not None
    (verified,) = [e for e in journal.read(report.folder) if e["event"] == "verified"]
    assert finding(report, DATA).document() in verified["findings"]
    assert known(site)["serial"] == 1, "a failover refreshes nothing"
