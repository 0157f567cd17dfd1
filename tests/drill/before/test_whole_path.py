"""The whole path on real guests: a hand-built server is adopted, imaged, rehearsed, lost; home again.

One site and one writer, from the day before to the day after. What each verb promises is looked at in turn,
on the guests and in the cloud, without the verb's own word for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import pytest
from rich.console import Console

from hooks.guard.script import FOLDER
from hooks.guard.script import SETTLED as GUARD_SETTLED
from lab.drill.operator import Operator
from lab.drill.proof import Proof, fstab_fault
from lab.drill.result import DrillResult, Switchover
from lab.drill.writer_record import ACKNOWLEDGED, Record, Witness, parse_notes
from lab.hardware.volume_watch import VolumeWatch
from lab.hardware.volumes import VolumeService
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR
from lab.site.shapes.known import SHAPES
from lab.site.shapes.shape import BUILT, FAILBACK, FAILOVER, HOME, SETTLED
from lab.system.waiting import slowness

pytestmark = pytest.mark.guests

IMAGE_TAG, REHEARSAL_TAG = "nfs-failover-image", "nfs-failover-rehearsal"
# of a writer: the lab's guest stands still while its disk is copied (OCI's does not), and a third guest boots
IMAGE_PAUSE_SECONDS, REHEARSAL_PAUSE_SECONDS = 10.0, 15.0
UNTOUCHED = (
    "cat /proc/sys/kernel/random/boot_id; systemctl show nfs-server -p ActiveEnterTimestampMonotonic;"
    "iscsiadm -m session | sort; cat /etc/fstab; findmnt -n /mnt/a"
)
# a line that would hold up the boot of any copy: for a disk that is nowhere, and without nofail
HIDDEN = "/dev/oldvg/old /srv/old ext4 defaults 0 0"
COMPLAINTS = "I/O error|not responding|Shutting down filesystem|connection.*error"


T = TypeVar("T")


class Path:
    """The lab, the operator, the writer on nfs-cli, and what the proofs find missing."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.story = DrillResult()
        self.witness = Witness(lab.access, lab.shape.path)
        self.operator = Operator(lab.site_file, Console(soft_wrap=True, highlight=False), print)

    def run(self, verb: str, *argv: str) -> list[str]:
        lines, code = self.operator.run(verb, *argv)
        assert code == 0, f"{verb}: {code}: {lines}"
        return lines

    def report(self, verb: str, *argv: str) -> dict:
        found, code = self.operator.report(verb, *argv)
        assert code == 0, f"{verb}: {code}: {found}"
        return found

    def root(self, host: str, script: str) -> str:
        return self.lab.on(host, "sudo", "sh", "-c", script)

    def unfelt(self, seconds: float, action: Callable[[], T]) -> T:
        """Do it; server and client have nothing of it but a pause of at most so many seconds."""
        before, attached = self.root(SERVER, UNTOUCHED), self.lab.attachments()
        began = len(self.acknowledged())
        result = action()
        self.witness.await_records(5)
        pause = Record(self.acknowledged(), (), began).outage_seconds
        assert pause < seconds * slowness(), pause
        assert self.root(SERVER, UNTOUCHED) == before
        for host in (SERVER, CLIENT):
            assert self.root(host, f"dmesg | grep -E '{COMPLAINTS}' || true") == ""
        after = self.lab.attachments()
        assert {k: [a.id for a in v] for k, v in after.items() if v} == {
            k: [a.id for a in v] for k, v in attached.items() if v
        }
        return result

    def acknowledged(self) -> tuple[tuple[int, float], ...]:
        return parse_notes(self.lab.on(CLIENT, "cat", ACKNOWLEDGED))

    def moved(self, target: str) -> None:
        """The service moves; records, client, server, attachments and a second plan are looked at."""
        assert self.report("failover", "--active", target, "--yes")["outcome"] == "done"
        Proof(self.lab, self.witness, self.story, target).check(Switchover(target), None)
        assert self.story.missing == []
        assert self.story.records_lost == 0
        assert self.report("failover", "--active", target, "--yes")["outcome"] == "nothing-to-do"

    def fstabs(self, **moments: str) -> None:
        hosts = {"server": SERVER, "successor": SUCCESSOR, "client": CLIENT}
        assert [f for host, at in moments.items() if (f := fstab_fault(self.lab, at, hosts[host]))] == []

    def agreed(self, active: str) -> dict:
        """Terraform, the file, the API, the servers and the clients name the same one."""
        seen = self.report("status", "--wait", "300")  # a guest on a busy machine is slow, not silent
        assert (seen["active"], seen["agreement"]) == (active, "agree"), seen
        assert {one["server"] for one in seen["witnesses"]} == {active}
        assert len(seen["witnesses"]) >= 5
        return seen

    def listed(self) -> list:
        """Whatever the API lists that verbs make: instances, volumes, groups, boot volumes."""
        compute, block = self.lab.api.compute_client(), self.lab.api.block_client()
        compartment = self.lab.api.facts()["compartment_id"]
        return [
            *compute.list_instances(compartment).data,
            *block.list_volumes(compartment_id=compartment).data,
            *block.list_volume_groups(compartment).data,
            *block.list_boot_volumes(compartment_id=compartment).data,
        ]

    def living(self) -> list[str]:
        """Names of the instances that are not TERMINATED."""
        compute, compartment = self.lab.api.compute_client(), self.lab.api.facts()["compartment_id"]
        listed = compute.list_instances(compartment).data
        return sorted(one.display_name for one in listed if one.lifecycle_state != "TERMINATED")

    def left(self, tag: str) -> list[str]:
        """Names of what has this tag and is not gone; that anything was made at all is looked at first."""
        tagged = [one for one in self.listed() if tag in one.freeform_tags]
        assert tagged, f"nothing was ever made with tag {tag}"
        return [one.display_name for one in tagged if one.lifecycle_state != "TERMINATED"]


@pytest.fixture
def path(tmp_path):
    lab = Lab(tmp_path / "lab", print, SHAPES["tip"])
    try:
        lab.up()
        yield Path(lab)
    except BaseException:
        lab.keep_evidence()
        raise
    finally:
        lab.down()


def test_from_a_server_built_by_hand_to_its_recovery(path):
    watch = begun(path)
    standing_by(path)
    recovered(path)
    assert watch.stop() == {}
    assert path.left(IMAGE_TAG) == []


@pytest.mark.nightly
def test_from_a_server_built_by_hand_to_the_second_failover_home(path):
    watch = begun(path)
    standing_by(path, rehearsed)
    recovered(path)
    path.run("reprotect", "--yes")
    assert path.agreed(SUCCESSOR)["next_servers"] == [f"{SERVER} stands by"]
    path.witness.go_on()
    path.moved(SERVER)
    path.fstabs(server=HOME, successor=FAILBACK, client=FAILBACK)
    path.agreed(SERVER)
    assert watch.stop() == {}
    nothing_is_left(path)


def begun(path: Path) -> VolumeWatch:
    watch = VolumeWatch(path.lab.directory)
    watch.start()
    path.fstabs(server=BUILT, client=BUILT)
    adopted_and_settled(path)
    path.witness.await_records(10)
    return watch


def standing_by(path: Path, rehearse: Callable[[Path, str], None] | None = None) -> None:
    """An image is taken, and perhaps rehearsed on; a server from it stands by."""
    path.root(SERVER, f"mkdir -p /srv/old; echo '{HIDDEN}' >> /etc/fstab; sync -f /etc/fstab")
    image_id = path.unfelt(IMAGE_PAUSE_SECONDS, lambda: imaged(path))
    path.root(SERVER, "sed -i /oldvg/d /etc/fstab; sync -f /etc/fstab; systemctl daemon-reload")
    if rehearse:
        path.unfelt(REHEARSAL_PAUSE_SECONDS, lambda: rehearse(path, image_id))
    path.run("standby.up", SUCCESSOR)
    assert any("stands by" in text for text in path.agreed(SERVER)["next_servers"])
    launched_from_the_image(path)


def recovered(path: Path) -> None:
    path.lab.crash(SERVER)
    path.moved(SUCCESSOR)
    path.fstabs(successor=FAILOVER, client=FAILOVER)
    seen = path.agreed(SUCCESSOR)
    assert (seen["next_servers"], seen["command"]) == ([], "./inv reprotect")


def adopted_and_settled(path: Path) -> None:
    """`adopt` was run by the lab's builder; preflight names what the owner's fstab lacks, and it gets it."""
    found = path.report("preflight", "--active", SUCCESSOR)
    assert "nofail" in json.dumps(found)
    path.report("failover", "--active", SERVER, "--yes")
    path.fstabs(server=SETTLED, client=SETTLED)
    path.report("preflight", "--active", SUCCESSOR, "--no-terraform-plan")  # now it writes the canaries, too


def imaged(path: Path) -> str:
    image_id = path.run("image", "--yes")[-1].split()[1]
    stack = (path.lab.terraform.directory / "site.auto.tfvars").read_text()
    assert f'"{image_id}"' in stack
    made = path.lab.api.compute_client().get_image(image_id).data
    assert made.freeform_tags["nfs-failover-image-of"] == path.lab.instance(SERVER)
    assert path.living() == [CLIENT, SERVER]
    return image_id


def rehearsed(path: Path, image_id: str) -> None:
    report = path.report("rehearse", "--yes")
    assert report["outcome"] == "done"
    subjects = {one["subject"] for one in report["verified"]}
    assert {"exports", "data /mnt/a", "fsck /mnt/a", "removed", "production"} <= subjects
    assert [one["name"] for one in report["phases"]][-1] == "remove"
    assert path.agreed(SERVER)["last"]["rehearsal"]["facts"]["image"] == image_id
    assert len(VolumeService(path.lab.directory).initiators()) == len(path.lab.shape.volumes)


def launched_from_the_image(path: Path) -> None:
    """Its first boot brought none of the old server to life, and waited for none of its disks."""
    console = (path.lab.directory.guest(path.lab.instance(SUCCESSOR)) / "console.log").read_text(
        errors="replace"
    )
    assert GUARD_SETTLED in console
    assert "Timed out waiting for device" not in console
    assert f"#nfs-failover off: {HIDDEN}" in path.lab.on(SUCCESSOR, "cat", "/etc/fstab").splitlines()
    assert path.lab.on(SUCCESSOR, "cat", f"{FOLDER}/name").strip() == SERVER
    path.root(SUCCESSOR, "sed -i /oldvg/d /etc/fstab")


def nothing_is_left(path: Path) -> None:
    """By the API's lists: of image and rehearsal nothing lives, and no server but the site's own."""
    assert (path.left(IMAGE_TAG), path.left(REHEARSAL_TAG)) == ([], [])
    assert path.living() == [CLIENT, SERVER, SUCCESSOR]
