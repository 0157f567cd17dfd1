"""An image of the server while a client writes, and a failover to a server from it, on real guests."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from hooks.guard.script import FOLDER, SETTLED
from lab.client.api_process import ApiProcess
from lab.drill.operator import Operator
from lab.drill.proof import Proof
from lab.drill.result import DrillResult, Switchover
from lab.drill.writer_record import ACKNOWLEDGED, Record, Witness, parse_notes
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR
from lab.site.stack import VARIABLES_FILE

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

STANDSTILL_SECONDS = 10.0  # the lab's guest stands still while its disk is copied; OCI's does not
UNTOUCHED = (
    "cat /proc/sys/kernel/random/boot_id; systemctl show nfs-server -p ActiveEnterTimestampMonotonic;"
    "iscsiadm -m session | sort; cat /etc/fstab; findmnt -n /mnt/a"
)
HIDDEN = "/dev/oldvg/old /srv/old ext4 defaults 0 0"


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path / "lab", print)
    try:
        made.up()
        yield made
    except BaseException:
        made.keep_evidence()
        raise
    finally:
        made.down()


def test_an_image_of_the_serving_server_costs_no_write_and_carries_a_failover(lab):
    witness, operator = Witness(lab.access, lab.shape.path), Operator(lab.site_file, Console(), print)
    # a line that would hold up the boot of any copy: for a disk that is nowhere, and without nofail
    lab.on(
        SERVER, "sudo", "sh", "-c", f"mkdir -p /srv/old; echo '{HIDDEN}' >> /etc/fstab; sync -f /etc/fstab"
    )
    witness.await_records(5)
    before = lab.on(SERVER, "sudo", "sh", "-c", UNTOUCHED)
    lines, code = operator.run("image", "--yes")
    assert code == 0, lines
    assert lab.on(SERVER, "sudo", "sh", "-c", UNTOUCHED) == before
    witness.await_records(5)
    notes = parse_notes(lab.on(CLIENT, "cat", ACKNOWLEDGED))
    assert Record(notes, ()).outage_seconds < STANDSTILL_SECONDS
    image_id = lines[-1].split()[1]
    site = json.loads((lab.terraform.directory / VARIABLES_FILE).read_text())
    assert site["servers"][SUCCESSOR]["image_id"] == image_id
    client, facts = ApiProcess(lab.run).compute_client(), lab.api.facts()
    assert client.get_image(image_id).data.freeform_tags["nfs-failover-image-of"] == lab.instance(SERVER)
    living = [
        one.display_name
        for one in client.list_instances(facts["compartment_id"]).data
        if one.lifecycle_state != "TERMINATED"
    ]
    assert sorted(living) == [CLIENT, SERVER]
    lab.crash(SERVER)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert (report["outcome"], code) == ("done", 0)
    story = DrillResult()
    Proof(lab, witness, story, SUCCESSOR).look(Switchover(SUCCESSOR), None)
    assert story.missing == []
    console = client_console(lab)
    assert SETTLED in console
    assert "Timed out waiting for device" not in console
    assert f"#nfs-failover off: {HIDDEN}" in lab.on(SUCCESSOR, "cat", "/etc/fstab").splitlines()
    assert lab.on(SUCCESSOR, "cat", f"{FOLDER}/name").strip() == SERVER


def client_console(lab: Lab) -> str:
    return (lab.directory.guest(lab.instance(SUCCESSOR)) / "console.log").read_text(errors="replace")
