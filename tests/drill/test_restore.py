"""A clone becomes the site's volumes, on real guests: LVM and XFS find themselves, the data is of then."""

from __future__ import annotations

import pytest
from rich.console import Console

from lab.drill.operator import Operator
from lab.drill.writer_record import ACKNOWLEDGED, Witness, parse_notes
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

IDENTITY = (
    "vgs --noheadings -o vg_uuid vg1; lvs --noheadings -o lv_uuid vg1;blkid -p -o value -s UUID /dev/vg1/lv01"
)


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

    restored = witness.read(ADDRESSES[SERVER])
    assert before <= set(restored.written), "what was acknowledged before the clone is in it"
    assert restored.in_order_once
    assert len(restored.written) < len(later.written), "what was written after the clone is given up"
    assert lab.on(SERVER, "sudo", "sh", "-c", IDENTITY) == identity
    assert lab.on(CLIENT, "cat", f"{lab.shape.mount}/test.txt") == "This is a test file.\n"
    held = {volume for volume, found in lab.attachments().items() if found}
    assert held == set(clone.volume_ids)
    kept = [block.get_volume(ocid).data for ocid in old]
    assert {one.lifecycle_state for one in kept} == {"AVAILABLE"}
    assert sorted(one.freeform_tags["nfs-failover-backup"] for one in kept) == [
        "replaced bv1",
        "replaced bv2",
    ]
    assert lab.pending_changes() == 0
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    assert (report["outcome"], code) == ("nothing-to-do", 0), report
