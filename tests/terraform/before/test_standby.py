"""A next server: standby up, down and status, and reprotect after a failover; real Terraform, SDK and API.

The hosts are doubles. The active server is not touched, and what is not sure is refused.
"""

from __future__ import annotations

import pytest

from failover.command import site_file
from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.runs import history
from failover.stack.terraform import TerraformStack
from failover.status.judge import Judgement, judge
from failover.status.look import Look
from failover.verbs import preflight, standby
from tests import sources
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite

pytestmark = pytest.mark.checked(sources.SEEN)

ON_FIRST = {"bv1": [f"ATTACHED {FIRST}"], "bv2": [f"ATTACHED {FIRST}"]}


def verb(site: WholeSite, action: str, server: str) -> int:
    return standby.main(action, server, SiteChoice(str(site.file)), yes=True)


def reprotect(site: WholeSite, server: str | None = None) -> int:
    return standby.reprotect(server, SiteChoice(str(site.file)), yes=True)


def status(site: WholeSite) -> Judgement:
    found = site_file.load(str(site.file))
    return judge(Look(found, TerraformStack(found)).sight())


def ready(site: WholeSite) -> set[str]:
    """The servers that were made ready (hooks/probe/ready.py)."""
    with site.model.open() as model:
        return set(model.get("made_ready", []))


def with_versions(site: WholeSite, text: str) -> None:
    with site.model.open() as model:
        model["versions"] = {SECOND: text}


def test_a_standby_is_launched_beside_the_active_server_kept_current_and_taken_down(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(site).next_servers == (f"{SECOND} is launched from Debian guest",)
    assert verb(site, "up", SECOND) == 0, capsys.readouterr()
    launched = site.instances()[SECOND]
    assert verb(site, "up", SECOND) == 0, "the same again has nothing to launch"
    assert site.instances()[SECOND] == launched
    assert (site.holders(), site.serving()) == (ON_FIRST, FIRST)
    assert ready(site) == {SECOND}
    assert f"{SECOND} ready: hooks /opt/nfs-failover" in capsys.readouterr().out
    judged = status(site)
    assert (judged.next_servers, judged.agreement) == ((f"{SECOND} stands by",), "agree")
    entry = history.read(site.file.parent / "runs").latest("standby")
    assert entry is not None
    assert (entry.outcome, entry.facts["action"]) == ("done", "up")

    capsys.readouterr()
    with_versions(site, "kernel 5.4\nlvm2 2.03\n")
    assert verb(site, "status", SECOND) == 0, capsys.readouterr()
    assert "drift: kernel: 5.4 here, 5.15 on the active server" in capsys.readouterr().out
    (drifted,) = [c for c in site.look().checks if c.name == "standby"]
    assert (drifted.outcome.value, "kernel: 5.4 here" in drifted.actual) == ("warning", True)

    for refused in (FIRST, "nfs-srv-9"):
        assert verb(site, "down", refused) == Outcome.REFUSED.exit_code
    assert verb(site, "down", SECOND) == 0, capsys.readouterr()
    assert "Terraform's state has forgotten it" in capsys.readouterr().out
    assert site.instances() == {FIRST: site.first}
    assert (site.holders(), site.serving()) == (ON_FIRST, FIRST)
    assert site.stack.is_settled()
    assert verb(site, "down", SECOND) == 0, "down twice is success"
    site.assert_never_double()


def test_preflight_keeps_a_standby_ready_and_never_the_server_that_serves(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb(site, "up", SECOND) == 0, capsys.readouterr()
    with site.model.open() as model:
        del model["made_ready"]
    checks = {c.name: c for c in preflight.check(SECOND, SiteChoice(str(site.file)), False).checks}
    assert (checks["readiness"].outcome.value, ready(site)) == ("ok", {SECOND})
    with site.model.open() as model:
        del model["made_ready"]
    for target, canaries in ((SECOND, False), (FIRST, True)):
        report = preflight.check(target, SiteChoice(str(site.file)), False, canaries)
        assert "readiness" not in [c.name for c in report.checks]
    assert ready(site) == set()


def test_a_launch_whose_plan_touches_anything_else_is_refused(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.stack.change_site(service_ip="10.0.0.200")
    assert verb(site, "up", SECOND) == Outcome.REFUSED.exit_code
    assert "Terraform's plan would also" in capsys.readouterr().err
    assert site.instances() == {FIRST: site.first}


def test_a_server_that_holds_a_volume_is_no_standby(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb(site, "up", SECOND) == 0
    with site.model.open() as model:
        model["serving"] = {}
    held = site.model.bodies("kind = 'volumeattachment'")
    site.cloud.detach(next(a["id"] for a in held if a["volumeId"] == site.volumes["bv1"]))
    site.cloud.attach(site.volumes["bv1"], site.instances()[SECOND])
    for action in ("up", "down"):
        assert verb(site, action, SECOND) == Outcome.REFUSED.exit_code
    assert "holds bv1, by the API" in capsys.readouterr().err
    assert SECOND in site.instances()


def test_after_a_failover_the_site_is_unprotected_until_the_repaired_server_stands_by(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.silence(FIRST)
    report, output = site.fail_over(SECOND)
    assert report.outcome is Outcome.DONE, output
    assert "next server:   none: the site is unprotected" in output
    judged = status(site)
    assert judged.agreement == "agree"
    assert judged.gaps[0].command == "./inv reprotect"

    assert reprotect(site) == Outcome.UNKNOWN.exit_code, "it does not answer: it was not repaired"
    assert site.serving() == SECOND
    site.cloud.power_off(site.first)
    site.silence()
    assert reprotect(site) == 0, capsys.readouterr()
    assert f"protected: {FIRST} stands by" in capsys.readouterr().out
    assert site.model.state(site.first) == "RUNNING"
    assert (site.serving(), reprotect(site)) == (SECOND, 0)
    assert f"nothing to do: {FIRST} stands by" in capsys.readouterr().out
    site.assert_settled_on(SECOND)
    report, output = site.fail_over(FIRST)
    assert report.outcome is Outcome.DONE, output
    site.assert_settled_on(FIRST)
