"""An image for which the service is stopped, its operator killed midway: the server brings it back itself."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from rich.console import Console

from failover.runs import history
from hooks.guard.dead_man import BOOTED, OVERDUE, SPEC, UNTIL
from lab.drill.operator import Operator
from lab.drill.writer_record import Witness
from lab.site.lab import Lab
from lab.site.nfs_site import SERVER
from lab.system.waiting import until
from tests.drill.conftest import brought_up
from tests.paths import ROOT

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

HOOKS_SECONDS = 240  # guests without hardware virtualisation may be slow
STOPPED = '"event": "step-done", "step": "stop the service"'
# what a stop must give up and a return must bring back: boot apart, it is to be the same
SERVES = (
    "grep '^[^#]' /etc/fstab | grep -c /mnt/a; iscsiadm -m node | sort; "
    "exportfs -s; findmnt -n -o SOURCE,TARGET /mnt/a"
)


@pytest.fixture
def lab(tmp_path):
    with brought_up(tmp_path, standby=False) as made:
        text = made.site_file.read_text()
        made.site_file.write_text(text.replace("[deadlines]", f"[deadlines]\nhooks = {HOOKS_SECONDS}"))
        yield made


def killed_after_the_stop(lab: Lab) -> str:
    """SIGKILL of the operator's process once the service is stopped; what the server has then."""
    runs = lab.site_file.parent / "runs" / "image"
    before = set(runs.glob("*/journal.jsonl"))
    words = ["image", "--quiesce", "--yes", "--site", str(lab.site_file)]
    process = subprocess.Popen([sys.executable, "-m", "invoke", *words], cwd=ROOT)
    try:
        while STOPPED not in "".join(path.read_text() for path in set(runs.glob("*/journal.jsonl")) - before):
            assert process.poll() is None, "it ended before the service was stopped"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    return shell(lab, f"{SERVES}; test -e {SPEC} && echo armed")


def shell(lab: Lab, script: str) -> str:
    return lab.on(SERVER, "sudo", "sh", "-c", f"{script}; true")


def comes_to(lab: Lab, before: str) -> bool:
    """Whether the server is as it was, and waits for no word: it serves before its return has ended."""
    return until(lambda: shell(lab, f"{SERVES}; ls {SPEC} 2>&-") == before, 120, 2.0)


def test_the_service_comes_back_whoever_is_killed_and_the_next_call_says_how(lab):
    witness, operator = Witness(lab.access, lab.shape.path), Operator(lab.site_file, Console(), print)
    witness.await_records(5)
    before = shell(lab, SERVES)
    stopped = killed_after_the_stop(lab)
    began = time.monotonic()
    assert stopped == "0\narmed\n"
    shell(lab, f"awk '{{print int($1) + 5}}' /proc/uptime > {UNTIL}")
    witness.await_records(1)
    print(f"back by itself {time.monotonic() - began:.0f} s after the kill")
    assert comes_to(lab, before)
    killed_after_the_stop(lab)
    began = time.monotonic()
    shell(lab, "systemctl reboot --force")
    witness.await_records(1)
    print(f"back by itself {time.monotonic() - began:.0f} s after the reboot")
    lines, code = operator.run("image", "--quiesce", "--yes")
    assert code == 0, lines
    assert any("was cut off in: " in line for line in lines)
    assert comes_to(lab, before)
    witness.await_records(5)
    past = [one for one in history.read(lab.site_file.parent / "runs").entries if one.kind == "image"]
    assert [one.facts.get("restored", {}).get("why") for one in past] == [OVERDUE, BOOTED, None]
    assert [one.outcome for one in past] == ["failed", "failed", "done"]
    assert past[-1].facts["outage_seconds"] > 0
