"""A clone or a backup becomes the site's volumes, on real guests: LVM and XFS find themselves again."""

from __future__ import annotations

import pytest
from rich.console import Console

from lab.drill.operator import Operator
from lab.drill.writer_record import ACKNOWLEDGED, Record, Witness, parse_notes
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

IDENTITY = (
    "vgs --noheadings -o vg_uuid vg1; lvs --noheadings -o lv_uuid vg1;blkid -p -o value -s UUID /dev/vg1/lv01"
)


def assert_of_then(lab: Lab, server: str, restored: Record, before: set[int], later: int) -> None:
    """What was acknowledged before the copy is served, what came after is not. `later`: records then."""
    assert before <= set(restored.written), "what was acknowledged before the copy is in it"
    assert restored.in_order_once
    assert len(restored.written) < later, "what was written after the copy is given up"
    assert lab.on(CLIENT, "cat", f"{lab.shape.mount}/test.txt") == "This is a test file.\n"
    assert "/mnt/a" in lab.on(server, "sudo", "exportfs", "-s")


def held(lab: Lab) -> set[str]:
    """The volumes that are attached to somebody."""
    return {volume for volume, attachments in lab.attachments().items() if attachments}


def test_the_service_comes_up_on_the_clone_of_a_moment_and_the_old_volumes_are_kept(lab):
    operator, witness = Operator(lab.site_file, Console(), print), Witness(lab.access, lab.shape.path)
    witness.await_records(10)
    before = {number for number, _ in parse_notes(lab.on(CLIENT, "cat", ACKNOWLEDGED))}
    identity, old = lab.on(SERVER, "sudo", "sh", "-c", IDENTITY), set(lab.attachments())
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes", "--backup", "clone")
    assert (report["outcome"], code) == ("done", 0), report
    witness.await_records(10)
    witness.stop()
    later = witness.read(ADDRESSES[SUCCESSOR])
    assert later.lost == []

    block, facts = lab.api.block_client(), lab.api.facts()
    groups = block.list_volume_groups(facts["compartment_id"]).data
    clone = next(one for one in groups if one.freeform_tags == {"nfs-failover-backup": "clone"})
    wanted = ("--active", SERVER, "--yes", "--volumes-from", clone.display_name)
    report, code = operator.report("failover", *wanted)
    assert (report["outcome"], code) == ("refused", 3), report
    assert "lack all that was written since" in report["reason"]
    report, code = operator.report("failover", *wanted, "--accept-loss")
    assert (report["outcome"], code) == ("done", 0), report

    assert_of_then(lab, SERVER, witness.read(ADDRESSES[SERVER]), before, len(later.written))
    assert lab.on(SERVER, "sudo", "sh", "-c", IDENTITY) == identity
    assert held(lab) == set(clone.volume_ids)
    kept = [block.get_volume(ocid).data for ocid in old]
    assert {one.lifecycle_state for one in kept} == {"AVAILABLE"}
    assert sorted(one.freeform_tags["nfs-failover-backup"] for one in kept) == [
        "replaced bv1",
        "replaced bv2",
    ]
    assert lab.pending_changes() == 0
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    assert (report["outcome"], code) == ("nothing-to-do", 0), report


def test_the_service_comes_up_on_volumes_that_are_restored_from_a_backup(lab):
    operator, witness = Operator(lab.site_file, Console(), print), Witness(lab.access, lab.shape.path)
    witness.await_records(10)
    before = {number for number, _ in parse_notes(lab.on(CLIENT, "cat", ACKNOWLEDGED))}
    identity, old = lab.on(SERVER, "sudo", "sh", "-c", IDENTITY), held(lab)
    report, code = operator.report("backup")
    assert (report["outcome"], code) == ("done", 0), report
    witness.await_records(10)
    witness.stop()
    later = witness.read(ADDRESSES[SERVER])
    assert later.lost == []

    block, facts = lab.api.block_client(), lab.api.facts()
    (backup,) = block.list_volume_group_backups(facts["compartment_id"]).data
    report, code = operator.report("backup", "--restore", backup.display_name)
    assert (report["outcome"], code) == ("done", 0), report
    assert held(lab) == old, "a restore touches nothing of the site"
    groups = block.list_volume_groups(facts["compartment_id"]).data
    group = next(g for g in groups if getattr(g.source_details, "volume_group_backup_id", "") == backup.id)
    wanted = ("--active", SUCCESSOR, "--yes", "--volumes-from", group.id)
    report, code = operator.report("failover", *wanted)
    assert (report["outcome"], code) == ("refused", 3), report
    report, code = operator.report("failover", *wanted, "--accept-loss")
    assert (report["outcome"], code) == ("done", 0), report
    assert_of_then(lab, SUCCESSOR, witness.read(ADDRESSES[SUCCESSOR]), before, len(later.written))
    assert lab.on(SUCCESSOR, "sudo", "sh", "-c", IDENTITY) == identity
    assert held(lab) == set(group.volume_ids)
    assert lab.pending_changes() == 0
