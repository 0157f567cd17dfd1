"""A failover after an operator has done the manual procedure by hand, or a part of it, on real guests.

nfs-srv-1 is dead and off, its volumes were detached in the console and attached to nfs-srv-2, and there the
commands that the console shows were run. Terraform knows nothing of it.
"""

from __future__ import annotations

import pytest
from oci.core.models import AttachIScsiVolumeDetails
from rich.console import Console

from lab.client.wait import wait_for_state
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

LOG_IN = """
iscsiadm -m node -o new -T {iqn} -p {portal}
iscsiadm -m node -o update -T {iqn} -n node.startup -v automatic
iscsiadm -m node -T {iqn} -p {portal} -l
"""
SERVE = r"""
printf '/dev/vg1/lv01\t/mnt/a\txfs\tdefaults\t0\t0\n' >> /etc/fstab
mkdir -p /mnt/a
systemctl daemon-reload
mount /mnt/a
echo '/mnt/a 10.0.0.0/16(rw,no_root_squash,fsid=1)' > /etc/exports
systemctl enable --now nfs-server
exportfs -ra
"""
ACTIVATE = "udevadm settle; vgchange -ay vg1; "
# what the person has done on nfs-srv-2 when the failover begins
STEPS = {"attached": "", "logged in": ACTIVATE, "served": ACTIVATE + SERVE}
# and what is refused by name; behind it what the person is told to do
STOPS = {
    "looked at": (
        ACTIVATE + "mkdir -p /mnt/look; mount -o ro /dev/vg1/lv01 /mnt/look; ls /mnt/look",
        "is mounted read-only at /mnt/look",
        "umount /mnt/look",
    ),
    "served with other options": (
        ACTIVATE + SERVE.replace(",fsid=1", ""),
        "exports: /mnt/a to 10.0.0.0/16: found none, expected fsid=1",
        "sed -i '/mnt.a/d' /etc/exports",
    ),
}


def shell(lab: Lab, name: str, script: str) -> str:
    return lab.on(name, "sudo", "sh", "-ec", script).strip()


def moved_by_hand(lab: Lab, log_in: bool) -> None:
    """The console's part: power off, detach, attach; the console's commands on nfs-srv-2 where `log_in`."""
    compute, target = lab.api.compute_client(), lab.instance(SUCCESSOR)
    lab.power_off(SERVER)
    for volume, (old,) in lab.attachments().items():
        compute.detach_volume(old.id)
        wait_for_state(compute, compute.get_volume_attachment, old.id, "DETACHED")
        made = compute.attach_volume(AttachIScsiVolumeDetails(instance_id=target, volume_id=volume)).data
        there = wait_for_state(compute, compute.get_volume_attachment, made.id, "ATTACHED")
        if log_in:
            shell(lab, SUCCESSOR, LOG_IN.format(iqn=there.iqn, portal=f"{there.ipv4}:{there.port}"))


@pytest.mark.parametrize("step", STEPS)
def test_the_failover_goes_on_from_what_a_person_did(lab: Lab, step: str) -> None:
    operator = Operator(lab.site_file, Console(), print)
    known = shell(lab, CLIENT, "cat /mnt/nfs/a/test.txt")
    lab.crash(SERVER)
    moved_by_hand(lab, log_in=step != "attached")
    if STEPS[step]:
        shell(lab, SUCCESSOR, STEPS[step])
    assert_recovered(lab, operator, known)


@pytest.mark.parametrize("stop", STOPS)
def test_what_a_person_did_otherwise_is_named_with_what_to_do(lab: Lab, stop: str) -> None:
    operator = Operator(lab.site_file, Console(), print)
    known = shell(lab, CLIENT, "cat /mnt/nfs/a/test.txt")
    done, named, mended = STOPS[stop]
    lab.crash(SERVER)
    moved_by_hand(lab, log_in=True)
    shell(lab, SUCCESSOR, done)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert code in (3, 4), report
    assert named in report["reason"]
    shell(lab, SUCCESSOR, mended)
    assert_recovered(lab, operator, known)


def assert_recovered(lab: Lab, operator: Operator, known: str) -> None:
    """nfs-srv-2 serves what was known, and Terraform knows it."""
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert code == 0, report
    assert operator.report("verify")[1] == 0
    assert lab.terraform.pending_changes() == 0
    assert shell(lab, CLIENT, "cat /mnt/nfs/a/test.txt") == known
    assert SUCCESSOR in shell(lab, CLIENT, "findmnt -n -o SOURCE /mnt/nfs/a")
    (line,) = shell(lab, SUCCESSOR, "grep -v '^#' /etc/fstab | grep /mnt/a").splitlines()
    assert {"_netdev", "nofail"} <= set(line.split()[3].split(",")), line
