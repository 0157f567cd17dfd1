"""`failover --volumes-from`: a clone of all volumes becomes the site's; real Terraform, SDK and API.

The hosts are doubles. That LVM and XFS find themselves again on the clones is the drills' part.
"""

from __future__ import annotations

import io
import json
import sqlite3
from typing import Any

import oci
import pytest
from rich.console import Console

from failover.command.request import Request, SiteChoice
from failover.model.outcome import Outcome
from failover.report.report import Report
from failover.verbs import backup as backups
from failover.verbs import failover as failovers
from lab.site.stack import VARIABLES_FILE
from tests import sources, verb_policies
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite

pytestmark = pytest.mark.checked(sources.SEEN)


def move(site: WholeSite, target: str, group: str = "", **more: Any) -> tuple[Report, str]:
    said = io.StringIO()
    request = Request(target, SiteChoice(str(site.file)), yes=True, volumes_from=group, **more)
    return failovers.fail_over(request, Console(file=said, width=200, soft_wrap=True)), said.getvalue()


def cloned(site: WholeSite) -> Any:
    """The service is on nfs-srv-2, and a clone of just before that is kept."""
    report, said = move(site, SECOND, copy="clone")
    assert report.outcome is Outcome.DONE, said
    groups = site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
    return next(one for one in groups if one.freeform_tags == {"nfs-failover-backup": "clone"})


def written(site: WholeSite) -> dict[str, str]:
    found = json.loads((site.stack.folder / VARIABLES_FILE).read_text())["volumes"]
    return {name: one["volume_id"] for name, one in found.items()}


def backed_up(site: WholeSite) -> Any:
    """A backup of all volumes as they are now."""
    console = Console(file=io.StringIO(), width=200)
    choices: dict[str, Any] = {"kind": "full", "policy": "", "look": False, "wait": 20.0}
    report = backups.backup(SiteChoice(str(site.file)), console, **choices)
    assert report.outcome is Outcome.DONE, report.reason
    listed = site.cloud.storage.list_volume_group_backups(site.cloud.facts["compartment_id"]).data
    return max(listed, key=lambda one: one.time_created)


def restored(site: WholeSite, backup: str, wait: float = 20.0) -> Report:
    console = Console(file=io.StringIO(), width=200)
    choices: dict[str, Any] = {"kind": "incremental", "policy": "", "look": False, "wait": wait}
    return backups.backup(SiteChoice(str(site.file)), console, restore=backup, **choices)


def groups_of(site: WholeSite, backup: str) -> list[Any]:
    groups = site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
    known = [one for one in groups if one.lifecycle_state != "TERMINATED"]
    return [one for one in known if getattr(one.source_details, "volume_group_backup_id", "") == backup]


def assert_untouched(site: WholeSite, before: bytes) -> None:
    assert (site.stack.folder / VARIABLES_FILE).read_bytes() == before
    site.assert_settled_on(SECOND)


def test_a_clone_becomes_the_sites_volumes_and_those_of_before_are_kept(site: WholeSite) -> None:
    clone, old, before = cloned(site), dict(site.volumes), (site.stack.folder / VARIABLES_FILE).read_bytes()
    report, _ = move(site, FIRST, clone.display_name)
    assert report.outcome is Outcome.REFUSED
    assert "lack all that was written since" in report.reason
    assert "--accept-loss" in report.remedy
    assert_untouched(site, before)
    report, said = move(site, FIRST, clone.display_name, dry_run=True)
    assert report.outcome is Outcome.PLANNED, report.reason
    assert_untouched(site, before)
    assert all(ocid in said for ocid in clone.volume_ids)

    report, said = move(site, FIRST, clone.display_name, accept_loss=True)
    assert report.outcome is Outcome.DONE, said
    now = written(site)
    assert sorted(now.values()) == sorted(clone.volume_ids)
    sources_of = {n: site.cloud.storage.get_volume(ocid).data.source_details.id for n, ocid in now.items()}
    assert sources_of == old
    assert any("given up: all that was written since" in note for note in report.notes)
    site.volumes = now
    site.assert_settled_on(FIRST)
    assert site.stack.is_settled()
    for name, ocid in old.items():
        kept = site.cloud.storage.get_volume(ocid).data
        assert (kept.lifecycle_state, kept.freeform_tags["nfs-failover-backup"]) == (
            "AVAILABLE",
            f"replaced {name}",
        )
        assert any(ocid in note for note in report.notes)
    live = [a for a in site.model.bodies("kind = 'volumeattachment'") if a["lifecycleState"] != "DETACHED"]
    assert {a["volumeId"] for a in live} == set(now.values())

    report, said = move(site, FIRST, clone.id, accept_loss=True)
    assert report.outcome is Outcome.NOTHING_TO_DO, said
    report, said = move(site, SECOND)
    assert report.outcome is Outcome.DONE, said
    site.assert_settled_on(SECOND)


def test_the_volumes_of_before_can_come_back_the_same_way(site: WholeSite) -> None:
    clone, old = cloned(site), dict(site.volumes)
    assert move(site, FIRST, clone.id, accept_loss=True)[0].outcome is Outcome.DONE
    groups = site.cloud.storage.list_volume_groups(site.cloud.facts["compartment_id"]).data
    original = next(one for one in groups if sorted(one.volume_ids) == sorted(old.values()))
    report, _ = move(site, SECOND, original.id)
    assert (report.outcome, "whenever that was" in report.reason) == (Outcome.REFUSED, True), report.reason
    report, said = move(site, SECOND, original.id, accept_loss=True)
    assert report.outcome is Outcome.DONE, said
    assert written(site) == old
    site.assert_settled_on(SECOND)


def test_a_run_that_was_cut_off_in_the_switch_goes_on_with_the_clone(site: WholeSite) -> None:
    clone = cloned(site)
    site.cloud.inject(operation="AttachVolume", status=500, code="InternalServerError", count=40)
    report, said = move(site, FIRST, clone.id, accept_loss=True)
    assert report.outcome in (Outcome.FAILED, Outcome.UNKNOWN), said
    site.cloud.clear_faults()
    written_already = written(site)
    assert sorted(written_already.values()) == sorted(clone.volume_ids)
    site.cloud.attach(
        written_already["bv1"], site.first
    )  # by an apply that was killed before it wrote its state
    report, said = move(site, FIRST, clone.id, accept_loss=True)
    assert report.outcome is Outcome.DONE, said
    site.volumes = written(site)
    assert sorted(site.volumes.values()) == sorted(clone.volume_ids)
    site.assert_settled_on(FIRST)


def changed(site: WholeSite, ocid: str, path: str, value: object) -> None:
    """The API's own record of a volume or group is another one from now on."""
    with sqlite3.connect(site.cloud.run / "cloud.db") as database:
        statement = "UPDATE resources SET body = json_set(body, ?, json(?)) WHERE id = ?"
        assert database.execute(statement, (path, json.dumps(value), ocid)).rowcount == 1


def test_what_does_not_fit_is_refused_with_nothing_changed(site: WholeSite) -> None:
    clone, before = cloned(site), (site.stack.folder / VARIABLES_FILE).read_bytes()
    volume, models = clone.volume_ids[0], oci.core.models
    for ocid, path, wrong, right, words in (
        (clone.id, "$.lifecycleState", "PROVISIONING", "AVAILABLE", "is PROVISIONING, expected AVAILABLE"),
        (volume, "$.lifecycleState", "FAULTY", "AVAILABLE", "is FAULTY, expected AVAILABLE"),
        (volume, "$.availabilityDomain", "Uocm:AD-9", None, "only inside its own availability domain"),
        (volume, "$.sizeInGBs", 1, None, "has 1 GB, expected at least"),
        (volume, "$.sourceDetails", None, None, "expected one copy"),
    ):
        kept = site.model.bodies("id = ?", ocid)[0]
        changed(site, ocid, path, wrong)
        report, _ = move(site, FIRST, clone.id, accept_loss=True)
        assert (report.outcome, words in report.reason) == (Outcome.REFUSED, True), report.reason
        changed(site, ocid, path, kept[path[2:]] if right is None else right)
        assert_untouched(site, before)

    only = models.UpdateVolumeGroupDetails(volume_ids=[volume])
    site.cloud.storage.update_volume_group(clone.id, only)
    report, _ = move(site, FIRST, clone.id, accept_loss=True)
    assert (report.outcome, "expected one copy" in report.reason) == (Outcome.REFUSED, True)
    both = models.UpdateVolumeGroupDetails(volume_ids=list(clone.volume_ids))
    site.cloud.storage.update_volume_group(clone.id, both)

    site.cloud.attach(volume, site.first)
    report, _ = move(site, FIRST, clone.id, accept_loss=True)
    assert (report.outcome, "is attached to" in report.reason) == (Outcome.REFUSED, True), report.reason
    attached = next(a for a in site.model.bodies("kind = 'volumeattachment'") if a["volumeId"] == volume)
    site.cloud.detach(attached["id"])

    report, _ = move(site, SECOND, clone.id, accept_loss=True)
    assert (report.outcome, "would be replaced under it" in report.reason) == (Outcome.REFUSED, True)
    for name, outcome, words in (
        ("no-such-group", Outcome.REFUSED, "found 0 volume groups of that name"),
        ("ocid1.volumegroupbackup.oc1..a", Outcome.USAGE, "is a backup; expected a volume group"),
    ):
        report, _ = move(site, FIRST, name, accept_loss=True)
        assert (report.outcome, words in report.reason) == (outcome, True), report.reason
    report, _ = move(site, FIRST, "ocid1.volumegroup.oc1..gone", accept_loss=True)
    assert report.outcome in (Outcome.FAILED, Outcome.UNKNOWN), report.reason
    assert_untouched(site, before)


def test_a_switch_that_is_not_planned_leaves_the_variables_as_they_were(site: WholeSite) -> None:
    clone = cloned(site)
    site.stack.change_site(service_ip="10.0.0.200")
    with_dns = json.loads((site.stack.folder / VARIABLES_FILE).read_text()) | {"launch": [SECOND, FIRST]}
    (site.stack.folder / VARIABLES_FILE).write_text(json.dumps({**with_dns, "fence": "no-such-fence"}))
    before = (site.stack.folder / VARIABLES_FILE).read_bytes()
    report, _ = move(site, FIRST, clone.id, accept_loss=True)
    assert report.outcome in (Outcome.REFUSED, Outcome.FAILED), report.reason
    assert (site.stack.folder / VARIABLES_FILE).read_bytes() == before
    assert site.holders() == {name: [f"ATTACHED {SECOND}"] for name in site.volumes}


def test_a_backup_becomes_new_volumes_and_those_become_the_sites(site: WholeSite) -> None:
    assert move(site, SECOND)[0].outcome is Outcome.DONE
    backup, old, before = (
        backed_up(site),
        dict(site.volumes),
        (site.stack.folder / VARIABLES_FILE).read_bytes(),
    )
    calls = len(site.cloud.requests())
    report = restored(site, backup.display_name)
    assert report.outcome is Outcome.DONE, report.reason
    assert_untouched(site, before)
    (group,) = groups_of(site, backup.id)
    assert group.freeform_tags == {"nfs-failover-backup": "restored"}
    volumes = [site.cloud.storage.get_volume(one).data for one in group.volume_ids]
    assert {one.freeform_tags["nfs-failover-backup"] for one in volumes} == {"restored"}
    assert any(f"failover --active {FIRST} --volumes-from {group.id}" in note for note in report.notes)

    again = restored(site, backup.id)
    assert again.outcome is Outcome.NOTHING_TO_DO, again.reason
    assert [one.id for one in groups_of(site, backup.id)] == [group.id]
    called = {one["operation"] for one in site.cloud.requests()[calls:]}
    assert called == verb_policies.VERBS["backup-restore"]

    report, _ = move(site, FIRST, group.id)
    assert report.outcome is Outcome.REFUSED
    assert "lack all that was written since 20" in report.reason
    report, said = move(site, FIRST, group.id, accept_loss=True)
    assert report.outcome is Outcome.DONE, said
    now = written(site)
    assert sorted(now.values()) == sorted(group.volume_ids)
    parts = {n: site.cloud.storage.get_volume(ocid).data.source_details.id for n, ocid in now.items()}
    assert {n: site.cloud.storage.get_volume_backup(one).data.volume_id for n, one in parts.items()} == old
    site.volumes = now
    site.assert_settled_on(FIRST)
    assert site.stack.is_settled()

    # the site has the restored volumes now: the same backup once more is another set of volumes
    third = restored(site, backup.id)
    assert third.outcome is Outcome.DONE, third.reason
    assert len(groups_of(site, backup.id)) == 2
    # and the way back to the volumes of before is their group
    origin = site.cloud.storage.get_volume_group_backup(backup.id).data.volume_group_id
    report, said = move(site, SECOND, origin, accept_loss=True)
    assert report.outcome is Outcome.DONE, said
    site.volumes = old
    site.assert_settled_on(SECOND)


def test_a_restore_that_is_cut_off_is_taken_up(site: WholeSite) -> None:
    backup = backed_up(site)
    site.cloud.inject(operation="CreateVolumeGroup", stuck=True)
    report = restored(site, backup.id, wait=0.5)
    assert report.outcome is Outcome.UNKNOWN
    assert "PROVISIONING" in report.reason
    site.cloud.clear_faults()
    (group,) = groups_of(site, backup.id)
    report = restored(site, backup.id)
    assert report.outcome is Outcome.NOTHING_TO_DO, report.reason
    assert [one.id for one in groups_of(site, backup.id)] == [group.id]


@pytest.mark.parametrize(
    ("backup", "outcome", "says"),
    [
        ("no such backup", Outcome.REFUSED, "found 0 AVAILABLE backups of that name"),
        ("ocid1.volumegroupbackup.oc1..none", Outcome.UNKNOWN, "HTTP 404"),
    ],
)
def test_a_backup_that_is_not_there_is_named(
    site: WholeSite, backup: str, outcome: Outcome, says: str
) -> None:
    report = restored(site, backup)
    assert (report.outcome, says in report.reason) == (outcome, True), report.reason
    assert report.remedy


def test_a_restore_goes_alone(site: WholeSite) -> None:
    console = Console(file=io.StringIO(), width=200)
    report = backups.backup(
        SiteChoice(str(site.file)), console, kind="full", policy="gold", look=False, wait=1.0, restore="b"
    )
    assert report.outcome is Outcome.USAGE
    assert "--restore" in report.reason


def test_a_backup_named_for_volumes_is_restored_first(site: WholeSite) -> None:
    report, _ = move(site, FIRST, "ocid1.volumegroupbackup.oc1..aaaa")
    assert report.outcome is Outcome.USAGE
    assert "./inv backup --restore ocid1.volumegroupbackup.oc1..aaaa" in report.remedy
