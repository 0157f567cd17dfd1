"""What happens to the server in a drill, and what it must not be able to do when it comes back."""

from __future__ import annotations

from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, SERVER
from lab.system.errors import HardwareError
from lab.system.waiting import until

# dead: its power is cut, the API goes on saying RUNNING. hung: its processor stands still.
# unreachable: it does not let the operator in, and goes on serving and writing.
# alive: nothing is wrong, a planned switchover.
MODES = ("dead", "hung", "unreachable", "alive")
_COMEBACK_SECONDS = 300


def inject(lab: Lab, mode: str) -> None:
    """Do to nfs-srv-1 what the mode says."""
    if mode == "dead":
        lab.crash(SERVER)
    elif mode == "hung":
        lab.freeze(SERVER)
    elif mode == "unreachable":
        # Its way to storage and clients stays open: that is what makes this the dangerous one.
        lab.on(SERVER, "sudo", "systemctl", "--no-block", "stop", "ssh.service", "ssh.socket")
        lab.access.forget(ADDRESSES[SERVER])


def power_on_fenced(lab: Lab) -> list[str]:
    """Power the fenced server on; what it can do that it must not, a line each.

    It boots with the fstab line, the iSCSI records and the exports of the day it was cut off.
    """
    lab.power_on(SERVER)
    lab.access.forget(ADDRESSES[SERVER])
    lab.access.wait(ADDRESSES[SERVER], _COMEBACK_SECONDS)
    _await_quiet(lab)
    wrong = {
        "has an iSCSI session": "iscsiadm -m session 2>/dev/null | grep -c . || true",
        **{
            f"has {mount} mounted": f"findmnt -n {mount} | grep -c . || true"
            for mount in lab.shape.filesystems
        },
        # not `exportfs -s`: it reads the table of the day the power went
        "serves NFS": "ss -Hltn 'sport = :2049' | grep -c . || true",
        **{
            f"has {group}": f"sudo vgs --noheadings -o vg_name {group} 2>/dev/null | grep -c . || true"
            for group in lab.shape.groups
        },
    }
    counts = {what: lab.on(SERVER, "sh", "-c", probe).strip() for what, probe in wrong.items()}
    return [f"{SERVER} came back and {what}" for what, count in counts.items() if count != "0"]


def _await_quiet(lab: Lab) -> None:
    """Wait until systemd has no job left: before, nothing is known of what would yet start."""
    jobs = "systemctl list-jobs --no-legend | grep -c . || true"
    if not until(lambda: lab.on(SERVER, "sh", "-c", jobs).strip() == "0", _COMEBACK_SECONDS, 3):
        raise HardwareError(f"{SERVER} is still booting after {_COMEBACK_SECONDS} s")
