"""One client never decides over the others, nor over the service: real Terraform and API, answering hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.model.outcome import Outcome
from failover.report.report import Report
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.own_rule

CLIENTS = ("nfs-cli", "nfs-cli-2", "nfs-cli-3")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    """Three clients; the second one is silent, the third one lets nobody in."""
    with whole_site(tmp_path) as made:
        mounts = 'mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]'
        more = "".join(f'[[clients]]\nname = "{name}"\n{mounts}\n' for name in CLIENTS[1:])
        made.file.write_text(made.file.read_text() + more)
        with made.model.open() as model:
            model["mounted"] = dict.fromkeys(CLIENTS, FIRST)
            model["silent"] = [CLIENTS[1]]
            model["troubled"] = {CLIENTS[2]: "another host key than the known one"}
        yield made


def mounted(site: WholeSite) -> dict[str, str]:
    with site.model.open() as model:
        return dict(model["mounted"])


def steps(report: Report) -> list[str]:
    return [s.name for s in report.plan.steps] if report.plan else []


def wrong(report: Report) -> set[str]:
    return {f.subject for f in report.findings if not f.ok}


def test_the_service_and_the_others_go_on_and_the_same_command_brings_the_rest_over(site: WholeSite) -> None:
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.CLIENTS_LEFT, said
    assert report.outcome.exit_code == 6
    assert mounted(site) == {CLIENTS[0]: SECOND, CLIENTS[1]: FIRST, CLIENTS[2]: FIRST}
    assert wrong(report) == {f"client {CLIENTS[1]}", f"client {CLIENTS[2]}"}
    assert "another host key" in report.reason
    assert f"./inv failover --active {SECOND}" in report.remedy
    assert "the service is up" in report.reason
    site.assert_settled_on(SECOND)

    verified = site.verify()
    assert verified.outcome is Outcome.CLIENTS_LEFT

    again, _ = site.fail_over(SECOND)
    assert (again.outcome, steps(again)) == (Outcome.CLIENTS_LEFT, [])

    with site.model.open() as model:
        model["silent"], model["troubled"] = [], {}
    last, said = site.fail_over(SECOND)
    assert last.outcome is Outcome.DONE, said
    assert steps(last) == [f"client {name}" for name in CLIENTS[1:]]
    assert set(mounted(site).values()) == {SECOND}


def test_a_client_that_breaks_in_its_own_step_leaves_the_others_alone(site: WholeSite) -> None:
    with site.model.open() as model:
        model["silent"], model["troubled"], model["breaks"] = [], {}, [CLIENTS[0]]
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.CLIENTS_LEFT, said
    assert mounted(site) == {CLIENTS[0]: FIRST, CLIENTS[1]: SECOND, CLIENTS[2]: SECOND}
    assert report.run is not None
    journal = (site.file.parent / "runs" / report.run / "journal.jsonl").read_text().splitlines()
    ends = {
        e["step"]: e["event"] for e in map(json.loads, journal) if e["event"] in ("step-done", "step-failed")
    }
    assert ends[f"client {CLIENTS[0]}"] == "step-failed"
    assert ends[f"client {CLIENTS[1]}"] == "step-done"


def test_a_service_that_is_wrong_is_never_called_a_matter_of_clients(site: WholeSite) -> None:
    with site.model.open() as model:
        model["blind"] = [SECOND]  # no portal answers to it
    report, _ = site.fail_over(SECOND)
    assert report.outcome is Outcome.FAILED


def test_a_client_s_own_block_of_ssh_config_is_that_client_s_trouble(site: WholeSite) -> None:
    with site.model.open() as model:
        model["silent"], model["troubled"] = [], {}
        model["unusable"] = {CLIENTS[2]: "ssh_config has ProxyUseFdpass, which is not supported"}
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.CLIENTS_LEFT, said
    assert mounted(site) == {CLIENTS[0]: SECOND, CLIENTS[1]: SECOND, CLIENTS[2]: FIRST}
    assert "ProxyUseFdpass" in report.reason


def test_settings_of_this_machine_by_which_no_client_is_reached_end_the_run(site: WholeSite) -> None:
    with site.model.open() as model:
        model["silent"], model["troubled"] = [], {}
        model["unusable"] = dict.fromkeys(CLIENTS, "the key file /nowhere is missing")
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.USAGE, said
    assert set(mounted(site).values()) == {FIRST}
    site.assert_settled_on(FIRST)
