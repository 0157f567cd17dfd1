"""An NFSv3 client's lock goes with the service: a planned switchover, then a power cut on the way home."""

from __future__ import annotations

from functools import partial

import pytest
from rich.console import Console

from lab.drill.lock_moves import LockOwner, LockOwners, keep_locks, leave_names
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR
from lab.system.waiting import until

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

V3, V42 = LockOwner("v3", CLIENT, "3"), LockOwner("v42", CLIENT, "4.2")
# a POSIX lock, held for good; any error of a write or of an fsync ends it
HOLDER = """
import fcntl, os, sys, time
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
number = 0
while True:
    file.write("%d\\n" % number)
    file.flush()
    os.fsync(file.fileno())
    number += 1
    time.sleep(0.2)
"""
ASK = """
import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("free")
except BlockingIOError:
    print("held")
"""
FILE = f"{V3.mount}/held"


def shell(lab: Lab, name: str, command: str) -> str:
    return lab.on(name, "sudo", "sh", "-ec", command).strip()


def ask(lab: Lab, host: str, path: str) -> str:
    """What another owner is answered; one of NFSv4 waits for the end of the grace."""
    return lab.on(host, "sudo", "-u", lab.access.user, "python3", "-c", ASK, path).strip()


def written(lab: Lab) -> int:
    return int(shell(lab, CLIENT, f"tail -n 1 {FILE}") or -1)


def goes_on(lab: Lab, before: int) -> bool:
    return written(lab) > before + 5


def is_held_on(lab: Lab, server: str) -> bool:
    """A process of the server itself is not held up by a grace."""
    return ask(lab, server, "/mnt/a/held") == "held"


def statd_works_in(lab: Lab, server: str) -> str:
    """The device that rpc.statd has its record on, by its working directory."""
    return shell(lab, server, "stat -L -c %d /proc/$(cat /run/rpc.statd.pid)/cwd")


def test_an_nfsv3_lock_goes_with_the_service(lab: Lab) -> None:
    operator = Operator(lab.site_file, Console(), print)
    keep_locks(lab, operator)
    leave_names(lab, operator)
    owners = LockOwners(lab, (V3, V42))
    owners.mount()
    unit = f"systemd-run -q --uid={lab.access.user} --unit=holder python3 -c"
    lab.on(CLIENT, "sudo", *unit.split(), HOLDER, FILE)
    assert until(lambda: shell(lab, CLIENT, f"cat {FILE} 2> /dev/null || true"), 60, 1)
    assert (ask(lab, SERVER, "/mnt/a/held"), ask(lab, CLIENT, f"{V42.mount}/held")) == ("held", "held")
    for active, target, cut in ((SERVER, SUCCESSOR, False), (SUCCESSOR, SERVER, True)):
        before = written(lab)
        if cut:
            lab.crash(active)
            lab.access.forget(ADDRESSES[active])
        report, code = operator.report("failover", "--active", target, "--yes")
        assert code == 0, report
        assert until(partial(goes_on, lab, before), 120, 2), "the holder does not go on"
        assert until(partial(is_held_on, lab, target), 20, 1), "the lock was not taken back"
        assert ask(lab, CLIENT, f"{V42.mount}/held") == "held"
        assert shell(lab, target, "ls /mnt/a/.nfs-failover/statd/sm"), "the next takeover would tell nobody"
        assert statd_works_in(lab, target) == shell(lab, target, "stat -c %d /mnt/a")
        if not cut:
            assert statd_works_in(lab, active) == shell(lab, active, "stat -c %d /"), "it is at home again"
    assert shell(lab, CLIENT, "systemctl is-active holder") == "active"
    assert "reclaim" not in shell(lab, CLIENT, "dmesg | grep -i lockd || true")
    lines = shell(lab, CLIENT, f"cat {FILE}").splitlines()
    assert lines == [str(number) for number in range(len(lines))]
    shell(lab, CLIENT, "systemctl stop holder")
    assert ask(lab, CLIENT, f"{V42.mount}/held") == "free"
    owners.unmount()
