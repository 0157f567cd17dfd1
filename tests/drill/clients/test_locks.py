"""A client is migrated to the service address, goes on through a power cut untouched, and keeps its locks.

Beside its own locks owners of NFSv3, v4.0 and v4.2 pass a lock on: their logs are judged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from failover.runs.journal import read
from lab.drill.lock_history import LOST, LockHistory, check
from lab.drill.lock_moves import LockOwners, keep_locks
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SERVICE_ADDRESS, SUCCESSOR
from lab.system.waiting import until
from tests.drill.run_drill import drill

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

SEED = 14
# one POSIX lock and one of flock(2), held for good; any error of a write or of an fsync ends it
HOLDER = """
import fcntl, os, time
posix, whole = (open("/mnt/nfs/a/" + name, "a") for name in ("posix", "whole"))
fcntl.lockf(posix, fcntl.LOCK_EX)
fcntl.flock(whole, fcntl.LOCK_EX)
number = 0
while True:
    for file in (posix, whole):
        file.write("%d\\n" % number)
        file.flush()
        os.fsync(file.fileno())
    number += 1
    time.sleep(0.2)
"""
MOUNT_ID = "awk '$5 == \"/mnt/nfs/a\" { print $1 }' /proc/self/mountinfo"
TRY = """
import fcntl, sys
for name in ("posix", "whole"):
    try:
        fcntl.lockf(open("/mnt/a/" + name, "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        sys.exit(name + " is free")
    except BlockingIOError:
        pass
print("both are held")
"""


def shell(lab: Lab, name: str, command: str) -> str:
    return lab.on(name, "sudo", "sh", "-ec", command).strip()


def held_on(lab: Lab, server: str) -> str:
    """What a process of the server itself is answered when it asks for the client's locks."""
    return lab.on(server, "sudo", "python3", "-c", TRY).strip()


def written(lab: Lab) -> int:
    return int(shell(lab, CLIENT, "tail -n 1 /mnt/nfs/a/whole"))


def migrate(operator: Operator, lab: Lab, table: str) -> None:
    """The client mounts by the service's address, once its writer lets go of the mount that it has."""
    report, code = operator.report("clients", "migrate", "--yes")
    assert code == 6, report
    assert "held by" in report["waiting"][CLIENT]
    assert shell(lab, CLIENT, "systemctl is-active drill-writer") == "active"
    assert shell(lab, CLIENT, "cat /etc/fstab") == table.replace(f"{SERVER}:", f"{SERVICE_ADDRESS}:")
    assert shell(lab, CLIENT, "findmnt -n -o SOURCE /mnt/nfs/a") == f"{SERVER}:/mnt/a"
    shell(lab, CLIENT, "systemctl stop drill-writer")
    report, code = operator.report("clients", "migrate", "--yes")
    assert (code, report["migrated"]) == (0, [CLIENT]), report
    assert f"addr={SERVICE_ADDRESS}" in shell(lab, CLIENT, "findmnt -n -o OPTIONS /mnt/nfs/a")
    assert not shell(
        lab, CLIENT, "ls -A /run/nfs-failover/migrate; ls -A /mnt/nfs/a | grep nfs-failover- || true"
    )


def without_a_release(histories: list[LockHistory]) -> set[str]:
    """What the checker says of these logs when the first turn of the first owner was never released."""
    first, *others = sorted(histories, key=lambda history: history.events[0].at)
    events = tuple(event for event in first.events if (event.event, event.turn) != ("release", 1))
    return {violation.kind for violation in check([replace(first, events=events), *others], {})}


def slow_addresses(lab: Lab) -> None:
    """Once nfsd runs, ip(8) of the successor takes so long that half of the grace passes."""
    script = '#!/bin/sh\ncase "$*" in "-j address show") '
    script += 'if grep -qs "[1-9]" /proc/fs/nfsd/threads; then sleep 14; fi;; esac\n'
    script += 'exec /usr/bin/ip.real "$@"\n'
    place = shell(lab, SUCCESSOR, "readlink -f $(command -v ip)")
    shell(lab, SUCCESSOR, f"mv {place} /usr/bin/ip.real; printf %s '{script}' > {place}; chmod 755 {place}")


@pytest.mark.parametrize("late", [False, True], ids=["address-soon", "address-late"])
def test_a_lock_is_kept_through_a_power_cut(lab: Lab, late: bool) -> None:
    operator = Operator(lab.site_file, Console(), print)
    keep_locks(lab, operator)
    if late:
        slow_addresses(lab)
    table = shell(lab, CLIENT, "cat /etc/fstab")
    migrate(operator, lab, table)
    lab.on(
        CLIENT, "sudo", "systemd-run", f"--uid={lab.access.user}", "--unit=holder", "python3", "-c", HOLDER
    )
    assert until(lambda: shell(lab, CLIENT, "cat /mnt/nfs/a/whole 2> /dev/null || true"), 60, 1)
    assert held_on(lab, SERVER) == "both are held"
    owners = LockOwners(lab)
    owners.mount()
    owners.start(SEED)
    before, mounted = written(lab), shell(lab, CLIENT, MOUNT_ID)
    lab.crash(SERVER)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert code == 0, report
    (step,) = [
        e
        for e in read(lab.run / "runs" / report["run"])
        if e.get("step") == f"client {CLIENT}" and "message" in e
    ]
    assert step["message"].startswith("nothing to do"), step
    begun_anew = (
        "of its grace of 45 s had passed" in (lab.run / "runs" / report["run"] / "journal.jsonl").read_text()
    )
    assert begun_anew or not late, "on a busy machine half of the grace may pass without the late address"
    assert shell(lab, CLIENT, MOUNT_ID) == mounted
    assert until(lambda: written(lab) > before + 5, 120, 2), "the holder does not go on"
    assert shell(lab, CLIENT, "systemctl is-active holder") == "active"
    assert held_on(lab, SUCCESSOR) == "both are held"
    owners.await_turns("after the power cut")
    histories = owners.stop()
    assert [str(violation) for violation in owners.violations()] == []
    assert without_a_release(histories) == {LOST}, "the logs hold what the checker is to judge"
    owners.unmount()
    lines = shell(lab, CLIENT, "cat /mnt/nfs/a/whole").splitlines()
    assert lines == [str(number) for number in range(len(lines))]
    assert lab.terraform.pending_changes() == 0
    shell(lab, CLIENT, "systemctl stop holder")
    report, code = operator.report("clients", "migrate", "--back", "--yes")
    assert code == 0, report
    assert shell(lab, CLIENT, "cat /etc/fstab") == table.replace(f"{SERVER}:", f"{SUCCESSOR}:")
    assert shell(lab, CLIENT, "findmnt -n -o SOURCE /mnt/nfs/a") == f"{SUCCESSOR}:/mnt/a"
    report, code = operator.report("clients", "migrate", "--back", "--yes")
    assert (code, report["outcome"]) == (0, "nothing-to-do"), report


def test_moves_there_and_back_keep_one_lock(tmp_path: Path) -> None:
    code, story, text = drill(tmp_path / "lab", "--locks", "4", "--seed", str(SEED))
    assert code == 0, text
    assert [(move["target"], move["violations"]) for move in story["moves"]] == [
        (SUCCESSOR, []),
        (SERVER, []),
    ] * 2
    assert all(count >= 6 for move in story["moves"] for count in move["turns"].values()), story
    assert {move["cut"] for move in story["moves"]} == {True, False}, "the seed draws both kinds"
