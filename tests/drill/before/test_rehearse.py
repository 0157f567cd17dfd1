"""A rehearsal on real guests: clones are taken over while a client writes; nothing is felt or left."""

from __future__ import annotations

import pytest
from rich.console import Console

from lab.drill.operator import Operator
from lab.drill.writer_record import Witness
from lab.hardware.volumes import VolumeService
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER
from lab.system.waiting import slowness

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

STILL_SECONDS = 15.0  # a writer's pause on a machine that has its drills alone; a third guest boots beside it
TAG = "nfs-failover-rehearsal"


def complaints(lab: Lab, host: str) -> str:
    """What the kernel says of I/O that failed, and of NFS servers that do not answer."""
    words = "I/O error|not responding|Shutting down filesystem|connection.*error"
    return lab.on(host, "sudo", "sh", "-c", f"dmesg | grep -E '{words}' || true")


def test_a_rehearsal_under_a_running_writer(tmp_path):
    lab = Lab(tmp_path / "lab", print)
    try:
        lab.up()
        rehearse(lab)
    finally:
        lab.down()


def rehearse(lab: Lab) -> None:
    """The verbs, as an operator runs them, while nfs-cli writes; what the guests and the cloud say of it."""
    operator = Operator(lab.site_file, Console(soft_wrap=True, highlight=False), print)
    witness = Witness(lab.access, lab.shape.path)
    found, code = operator.report("preflight", "--no-terraform-plan")
    assert code == 0, found
    witness.await_records(10)
    before = lab.attachments()
    report, code = operator.report("rehearse", "--yes")
    assert code == 0, report
    assert report["outcome"] == "done"
    subjects = {one["subject"] for one in report["verified"]}
    assert {"exports", "data /mnt/a", "fsck /mnt/a", "removed", "production"} <= subjects
    assert [one["name"] for one in report["phases"]][-1] == "remove"
    witness.await_records(5)
    witness.stop()
    record = witness.read(ADDRESSES[SERVER])
    assert record.lost == []
    assert record.in_order_once
    assert record.outage_seconds < STILL_SECONDS * slowness(), record.outage_seconds
    assert (complaints(lab, SERVER), complaints(lab, CLIENT)) == ("", "")
    nothing_is_left(lab, before)


def nothing_is_left(lab: Lab, before: dict) -> None:
    """By the API and by the storage itself, not by what the rehearsal says."""
    compute, block = lab.api.compute_client(), lab.api.block_client()
    compartment = lab.api.facts()["compartment_id"]
    listed = (
        *compute.list_instances(compartment).data,
        *block.list_volumes(compartment_id=compartment).data,
        *block.list_volume_groups(compartment).data,
    )
    assert any(TAG in one.freeform_tags for one in listed)  # it did make something
    assert [
        one.display_name for one in listed if TAG in one.freeform_tags and one.lifecycle_state != "TERMINATED"
    ] == []
    assert len(VolumeService(lab.directory).initiators()) == len(lab.shape.volumes)
    after = lab.attachments()
    assert {k: [a.id for a in v] for k, v in after.items() if v} == {
        k: [a.id for a in v] for k, v in before.items() if v
    }
