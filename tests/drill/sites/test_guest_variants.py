"""Guests shaped like production's: a whole failover on each kind, and what only such a guest can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from lab.drill import enforced
from lab.drill.lock_moves import LockOwners, draw_moves, keep_locks, leave_names, make_move
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import SERVER, SUCCESSOR
from tests.drill.conftest import brought_up
from tests.drill.run_drill import drill
from tests.paths import ROOT

pytestmark = pytest.mark.guests

REFUSED = 3
LOCK_SEED = 2  # draws a planned switchover, then a power cut
PREFLIGHT_SECONDS = 300


@pytest.mark.nightly
def test_a_failover_on_guests_shaped_like_ubuntu(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "ubuntu")
    assert code == 0, text
    assert "the image of ubuntu guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


def test_a_planned_switchover_on_guests_shaped_like_el9_is_enforced_without_a_denial(tmp_path):
    """The release, the takeover and the client's step; the drill fails for a denial."""
    code, story, text = drill(tmp_path / "lab", "--mode", "alive", "--standby", "--guests", "el9")
    assert code == 0, text
    assert "the image of el9 guests" in text
    assert "release nfs-srv-1: done" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_a_failover_on_guests_shaped_like_el9_is_enforced_without_a_denial(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "el9")
    assert code == 0, text
    assert "the image of el9 guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_a_server_launched_on_guests_shaped_like_el9_takes_over_enforced(tmp_path):
    """Its first boot, cloud-init, the loader and the boot service are judged too."""
    code, story, text = drill(tmp_path / "lab", "--guests", "el9")
    assert code == 0, text
    assert "launch nfs-srv-2: done" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_locks_are_kept_on_guests_shaped_like_el9_without_a_denial(tmp_path):
    """A planned switchover and a power cut; what a relabelling leaves; then a label that must be mended."""
    with brought_up(tmp_path, standby=True, guests="el9") as lab:
        operator = Operator(lab.site_file, Console(), print)
        keep_locks(lab, operator)
        leave_names(lab, operator)
        owners = LockOwners(lab)
        owners.mount()
        moves = draw_moves(2, LOCK_SEED)
        assert [move.cut for move in moves] == [False, True], "the seed draws both kinds"
        for move in moves:
            assert make_move(lab, operator, owners, move)["violations"] == []
        # Debian's policy, as Red Hat's, has no label for what lies below a mount point in /mnt
        lab.on(SERVER, "sudo", "restorecon", "-R", "-F", "/mnt/a")
        assert enforced.records(lab, SERVER) == []
        relabelled_records_are_mended_while_nfsd_goes_on(lab, operator)


def relabelled_records_are_mended_while_nfsd_goes_on(lab: Lab, operator: Operator) -> None:
    """As the same leaves them where the policy has a label for the mount point, such as /data."""
    folders = ("/mnt/a/.nfs-failover/nfsdcld", "/mnt/a/.nfs-failover/statd")
    lab.on(SERVER, "sudo", "chcon", "-R", "-t", "default_t", *folders)
    since = lab.on(SERVER, "systemctl", "show", "-p", "ExecMainStartTimestampMonotonic", "nfs-server")
    report, code = operator.report("verify")
    assert code, "nfsd's record cannot be written"
    assert all(f"{folder} has SELinux's type default_t" in json.dumps(report) for folder in folders), report
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    assert code == 0, report
    assert enforced.records(lab, SERVER) == []
    assert lab.on(SERVER, "systemctl", "show", "-p", "ExecMainStartTimestampMonotonic", "nfs-server") == since


@pytest.mark.nightly
def test_a_failover_on_guests_shaped_like_el8_needs_no_python_on_the_path(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "el8")
    assert code == 0, text
    assert "the image of el8 guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_preflight_refuses_a_target_whose_firewalld_lets_no_nfs_in(tmp_path):
    with brought_up(tmp_path, standby=True, guests="el9") as lab:
        code, found = typed(lab, "preflight", "--active", SUCCESSOR, "--no-canaries")
        assert f"standby.up {SUCCESSOR}" in " ".join(found.split()), "its host key is not known yet"
        code, found = typed(lab, "standby.up", SUCCESSOR)
        assert code == 0, found
        lab.on(SUCCESSOR, "sudo", "firewall-cmd", "-q", "--zone=public", "--remove-service=nfs")
        code, found = typed(lab, "preflight", "--active", SUCCESSOR, "--no-canaries")
        assert code == REFUSED
        assert "firewalld lets no NFS in" in found
        assert "firewall-cmd --zone=public --add-service=nfs" in found
        lab.on(SUCCESSOR, "sudo", "firewall-cmd", "-q", "--zone=public", "--add-service=nfs")
        code, found = typed(lab, "preflight", "--active", SUCCESSOR, "--no-canaries")
        assert "firewalld" not in found
        assert code != REFUSED, found


def typed(lab: Lab, *words: str) -> tuple[int, str]:
    """Exit code and words of a verb as an operator types it."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words, "--site", str(lab.site_file)],
        env={**os.environ, "COLUMNS": "200"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PREFLIGHT_SECONDS,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode, done.stdout
