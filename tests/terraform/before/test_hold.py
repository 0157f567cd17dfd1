"""A hold after a failover: the old server is kept, and the service comes back to it or it is let go.

Real Terraform, SDK and API; the hosts are doubles. That the volumes move by real iSCSI is the drills' part.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from failover.command import site_file
from failover.command.request import Request, SiteChoice
from failover.model.outcome import Outcome
from failover.report import archive, conclusions
from failover.report.report import Report
from failover.report.write import keep
from failover.runs import history, hold
from failover.stack.terraform import TerraformStack
from failover.status import document
from failover.status.judge import judge
from failover.status.look import Look
from failover.verbs import failover as failovers
from failover.verbs import hold as verbs
from failover.verbs import standby
from tests import sources
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite

pytestmark = pytest.mark.checked(sources.SEEN)


def choice(site: WholeSite) -> SiteChoice:
    return SiteChoice(str(site.file))


def runs(site: WholeSite) -> Path:
    return site.file.parent / "runs"


def moved(site: WholeSite, target: str, wanted: str = "", **more: bool) -> Report:
    report = failovers.fail_over(
        Request(target, choice(site), yes=True, hold=wanted, **more), Console(file=StringIO())
    )
    keep(report, Console(file=StringIO()))
    return report


def rolled_back(site: WholeSite) -> Report:
    return verbs.rollback(Request(None, choice(site), yes=True), Console(file=StringIO()))


def held(site: WholeSite) -> Report:
    """nfs-srv-1 dies, nfs-srv-2 serves, and nfs-srv-1 is held for an hour."""
    site.silence(FIRST)
    report = moved(site, SECOND, "60m")
    assert report.outcome is Outcome.DONE, report.reason
    assert site.model.state(site.first) == "STOPPED"
    site.silence()
    return report


def actions(site: WholeSite) -> list[str]:
    return [e.facts["action"] for e in history.read(runs(site)).entries if e.kind == history.Kind.HOLD]


def status(site: WholeSite) -> dict:
    found = site_file.load(str(site.file))
    seen = Look(found, TerraformStack(found)).sight()
    return document.document(seen, judge(seen))


def test_the_service_comes_back_to_a_held_server_that_is_healthy(site: WholeSite) -> None:
    began = datetime.now(UTC)
    report = held(site)
    found = hold.read(runs(site))
    assert found is not None
    assert (found.server, found.successor, found.run) == (FIRST, SECOND, report.run)
    assert timedelta(minutes=60) < found.until - began < timedelta(minutes=61)
    assert any(f"{FIRST} is held until {found.moment}" in note for note in report.notes)
    assert report.folder is not None
    record = archive.load(report.folder)
    assert any(f"{FIRST} is held until" in line for line in conclusions.left_to_do(record))
    seen = status(site)
    assert seen["held"]["server"] == FIRST
    assert seen["next_servers"] == []
    assert any(gap["command"] == "./inv commit" for gap in seen["unprotected"])

    back = rolled_back(site)
    assert back.outcome is Outcome.DONE, (back.reason, back.remedy)
    site.assert_settled_on(FIRST)
    assert hold.read(runs(site)) is None
    assert actions(site) == ["held", "rolled back"]
    assert status(site)["held"] is None
    again = rolled_back(site)
    assert (again.outcome, "no server is held" in again.reason) == (Outcome.REFUSED, True)


def test_a_held_server_is_left_as_it_is_by_every_verb_until_commit(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    held(site)
    assert standby.reprotect(None, choice(site), yes=True) == Outcome.REFUSED.exit_code
    assert f"{FIRST} is held until" in capsys.readouterr().err
    for verb in ("up", "down"):
        assert standby.main(verb, FIRST, choice(site), yes=True) == Outcome.REFUSED.exit_code
        assert f"{FIRST} is held until" in capsys.readouterr().err
    report = moved(site, FIRST)
    assert (report.outcome, f"{FIRST} is held until" in report.reason) == (Outcome.REFUSED, True)
    assert "./inv rollback" in report.remedy
    assert site.model.state(site.first) == "STOPPED"
    site.assert_settled_on(SECOND)

    assert verbs.commit(choice(site)) == 0
    assert f"{FIRST} is no longer held" in capsys.readouterr().out
    assert verbs.commit(choice(site)) == 0, "committed twice is success"
    assert "nothing to do: no server is held" in capsys.readouterr().out
    assert actions(site) == ["held", "committed"]
    assert standby.reprotect(None, choice(site), yes=True) == 0, capsys.readouterr()
    report = moved(site, FIRST)
    assert report.outcome is Outcome.DONE, report.reason


def test_without_proof_the_service_stays_and_the_held_server_is_off_again(site: WholeSite) -> None:
    held(site)
    with site.model.open() as model:
        model["refusals"] = {FIRST: ["another vg1 is on its own disk"]}
    report = rolled_back(site)
    assert report.outcome is Outcome.REFUSED
    assert "another vg1 is on its own disk" in report.reason
    assert "STOPPED again, as it was" in report.reason
    site.silence(FIRST)
    report = rolled_back(site)
    assert (report.outcome, "STOPPED again" in report.reason) == (Outcome.UNKNOWN, True), report.reason
    assert site.model.state(site.first) == "STOPPED"
    site.assert_settled_on(SECOND)
    assert hold.read(runs(site)) is not None
    assert history.read(runs(site)).latest("failover").facts["target"] == SECOND


def test_a_hold_that_ended_or_is_of_something_else_is_no_way_back(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    held(site)
    found = hold.read(runs(site))
    assert found is not None
    for change, reason in (
        ({"until": datetime.now(UTC) - timedelta(seconds=1)}, f"the hold of {FIRST} ended at"),
        ({"instance_id": "ocid1.instance.oc1..other"}, "which is not a server of this stack"),
        ({"server": "nfs-srv-9"}, "'nfs-srv-9' is not a server of this stack"),
        ({"volumes": ("ocid1.volume.oc1..other",)}, "was held with other volumes"),
    ):
        hold.write(runs(site), replace(found, **change))
        report = rolled_back(site)
        assert report.outcome in (Outcome.REFUSED, Outcome.USAGE)
        assert reason in report.reason
    (runs(site) / hold.FILE).write_text("{")
    assert rolled_back(site).outcome is Outcome.UNKNOWN
    assert verbs.commit(choice(site)) == Outcome.UNKNOWN.exit_code
    assert standby.reprotect(None, choice(site), yes=True) == Outcome.UNKNOWN.exit_code
    assert "hold.json" in capsys.readouterr().err
    assert any("hold.json" in line for line in status(site)["unknown"])
    assert site.model.state(site.first) == "STOPPED"
    site.assert_settled_on(SECOND)


def test_a_second_hold_is_refused_and_a_broken_one_stops_no_plain_failover(site: WholeSite) -> None:
    assert moved(site, SECOND, "2h").outcome is Outcome.DONE
    found = hold.read(runs(site))
    assert found is not None
    hold.write(runs(site), replace(found, server="nfs-srv-0"))
    report = moved(site, FIRST, "60m")
    assert (report.outcome, "would be the second one" in report.reason) == (Outcome.REFUSED, True)
    site.assert_settled_on(SECOND)
    (runs(site) / hold.FILE).write_text(json.dumps({"server": FIRST}))
    report = moved(site, FIRST, "60m")
    assert (report.outcome, "hold.json" in report.reason) == (Outcome.UNKNOWN, True)
    report = moved(site, FIRST)
    assert report.outcome is Outcome.DONE, report.reason
    assert any("hold.json" in note for note in report.notes)
    site.assert_settled_on(FIRST)


def test_a_plan_that_moves_no_volume_holds_no_server(site: WholeSite) -> None:
    site.silence("nfs-cli")
    assert moved(site, SECOND).outcome in (Outcome.DONE, Outcome.CLIENTS_LEFT)
    site.silence()
    report = moved(site, SECOND, "60m")
    assert report.outcome in (Outcome.DONE, Outcome.NOTHING_TO_DO), report.reason
    assert hold.read(runs(site)) is None
    assert any("no server loses the volumes, so no server is held" in note for note in report.notes)
