"""`backup` with the real API and SDK: a group of all volumes, its backup, its policy, its age."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator

import oci
import pytest
from rich.console import Console

from failover.command.request import SiteChoice
from failover.report.report import Report
from failover.runs import history
from failover.verbs import backup as verb
from tests import sources, verb_policies
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.SDK)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("backup")) as found:
        yield found


def back_up(site: WholeSite, **wanted: object) -> Report:
    console = Console(file=io.StringIO(), width=200)
    options = {"kind": "incremental", "policy": "", "look": False, "wait": 20.0, **wanted}
    return verb.backup(SiteChoice(str(site.file)), console, **options)  # type: ignore[arg-type]


def told(report: Report) -> dict[str, str]:
    return {one.subject: one.actual for one in report.findings}


def test_all_of_it_in_order(site: WholeSite) -> None:
    """One story: without a group it is refused to look; then a group, a backup, a policy, another, none."""
    calls = len(site.cloud.requests())
    before = back_up(site, look=True)
    assert before.outcome.value == "refused"
    assert "./inv backup" in before.remedy
    first = back_up(site)
    assert first.outcome.value == "done", first.reason
    assert "none" in told(first)["backup policy"]
    assert "0.0 days old, of 1" in told(first)["newest backup"]
    (group,) = site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
    assert sorted(group.volume_ids) == sorted(site.volumes.values())
    kept = history.read(site.file.parent / "runs").latest(history.Kind.BACKUP)
    assert kept is not None
    assert kept.facts["group"] == group.id
    second = back_up(site, policy="silver", kind="full")
    assert told(second)["backup policy"] == "silver"
    assert "of 2" in told(second)["newest backup"]
    assert len(site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data) == 1
    assert told(back_up(site, policy="gold"))["backup policy"] == "gold"
    assert told(back_up(site, policy="none"))["backup policy"] == "none"
    look = back_up(site, look=True)
    assert look.outcome.value == "nothing-to-do", look.reason
    called = {one["operation"] for one in site.cloud.requests()[calls:]} - {"ListVolumeGroups"}
    assert called == verb_policies.VERBS["backup"]


def test_one_that_is_too_old_is_refused(site: WholeSite) -> None:
    back_up(site)
    with sqlite3.connect(site.cloud.run / "cloud.db") as database:
        statement = "UPDATE resources SET body = json_set(body, '$.timeCreated', ?) WHERE kind LIKE '%backup'"
        database.execute(statement, ("2026-01-01T00:00:00.000Z",))
    look = back_up(site, look=True)
    assert look.outcome.value == "refused"
    assert "at most 7 days" in look.reason


@pytest.mark.parametrize(
    ("wanted", "outcome", "words"),
    [
        ({"kind": "whole"}, "usage", "incremental or full"),
        ({"policy": "platinum"}, "usage", "bronze"),
    ],
)
def test_what_it_does_not_know_is_refused(site: WholeSite, wanted: dict, outcome: str, words: str) -> None:
    report = back_up(site, **wanted)
    assert (report.outcome.value, words in report.reason) == (outcome, True)


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        ({"status": 400, "code": "QuotaExceeded"}, "failed", "quota"),
        ({"refusal": "no room"}, "failed", "console"),
        ({"stuck": True}, "unknown", "console"),
    ],
    ids=str,
)
def test_a_backup_that_fails_says_why(site: WholeSite, fault: dict, outcome: str, words: str) -> None:
    site.cloud.inject(operation="CreateVolumeGroupBackup", **fault)
    report = back_up(site, wait=1.0)
    site.cloud.clear_faults()
    assert (report.outcome.value, words in report.remedy) == (outcome, True), report.remedy


def test_volumes_in_several_groups_are_refused(
    tmp_path_factory: pytest.TempPathFactory, site: WholeSite
) -> None:
    storage, models = site.cloud.storage, oci.core.models
    (group,) = storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
    only = models.UpdateVolumeGroupDetails(volume_ids=[site.volumes["bv1"]])
    storage.update_volume_group(group.id, only)
    report = back_up(site)
    assert report.outcome.value == "refused"
    assert "one volume group" in report.remedy
    both = models.UpdateVolumeGroupDetails(volume_ids=list(site.volumes.values()))
    storage.update_volume_group(group.id, both)
    assert back_up(site).outcome.value == "done"


def test_a_failover_keeps_a_clone_of_before_the_switch_and_one_that_fails_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with whole_site(tmp_path_factory.mktemp("copy")) as site:
        site.cloud.inject(operation="CreateVolumeGroup", status=400, code="QuotaExceeded")
        report, said = site.fail_over(SECOND, copy="clone")
        assert report.outcome.value == "failed", said
        assert "--backup none" in report.remedy
        assert site.serving() == FIRST
        site.cloud.clear_faults()
        calls = len(site.cloud.requests())
        report, said = site.fail_over(SECOND, copy="clone")
        assert report.outcome.value == "done", said
        site.assert_settled_on(SECOND)
        made = [one["operation"] for one in site.cloud.requests()[calls:]]
        last = max(at for at, one in enumerate(made) if one == "CreateVolumeGroup")
        assert last < made.index("DetachVolume")
        groups = site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
        (clone,) = [one for one in groups if one.freeform_tags == {"nfs-failover-backup": "clone"}]
        copies = [site.cloud.storage.get_volume(one).data for one in clone.volume_ids]
        assert {one.source_details.id for one in copies} == set(site.volumes.values())
        report, said = site.fail_over(FIRST, copy="backup")
        assert report.outcome.value == "done", said
        assert "was accepted" in said
        assert site.fail_over(FIRST, copy="tape")[0].outcome.value == "usage"
