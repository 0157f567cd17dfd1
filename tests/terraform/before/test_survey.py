"""What a takeover would refuse stops preflight and a run before anything is changed; hosts are doubles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from failover.model.outcome import Outcome
from failover.preflight.check import CheckResult
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.own_rule

MASKED = "nfs-server: the unit is masked, expected one that starts; systemctl unmask nfs-server"
RAID = "vg1/lv01: it is of type raid1, expected linear or striped; lvconvert it, or move the data"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("survey")) as made:
        yield made


@pytest.fixture
def site(whole: WholeSite) -> WholeSite:
    whole.model.start(FIRST, whole.first)
    (whole.file.parent / "runs" / "canaries.json").unlink(missing_ok=True)
    return whole


def refusing(site: WholeSite, name: str, text: str) -> None:
    with site.model.open() as model:
        model["refusals"] = {name: [text]}


def attached(site: WholeSite) -> list[str]:
    return [
        a["instanceId"]
        for a in site.model.bodies("kind = 'volumeattachment'")
        if a["lifecycleState"] == "ATTACHED"
    ]


def test_what_lies_on_the_volumes_blocks_preflight_and_the_run(site: WholeSite) -> None:
    refusing(site, FIRST, RAID)
    report = site.look()
    (check,) = [c for c in report.checks if c.name == f"survey of {FIRST}"]
    assert (report.outcome, check.outcome) == (Outcome.REFUSED, CheckResult.BLOCKING)
    assert check.remedy == "lvconvert it, or move the data"
    before = attached(site)
    run, _ = site.fail_over(SECOND)
    assert run.outcome is Outcome.REFUSED
    assert "it is of type raid1" in run.reason
    assert attached(site) == before == [site.first] * 2
    assert site.serving() == FIRST


def test_a_launched_target_is_surveyed_before_the_old_server_gives_anything_up(site: WholeSite) -> None:
    refusing(site, SECOND, MASKED)
    run, _ = site.fail_over(SECOND)
    assert run.outcome is Outcome.REFUSED
    assert "nfs-srv-2 would refuse the volumes: nfs-server: the unit is masked" in run.reason
    assert attached(site) == [site.first] * 2
    assert site.serving() == FIRST
    refusing(site, "nobody", "")
    run, _ = site.fail_over(SECOND)
    assert run.outcome is Outcome.DONE, run.reason
