"""Guests shaped like production's: a whole failover on each kind, and what only such a guest can show."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.site.lab import Lab
from lab.site.nfs_site import SUCCESSOR
from tests.drill.run_drill import drill
from tests.paths import ROOT

pytestmark = pytest.mark.guests

REFUSED = 3
PREFLIGHT_SECONDS = 300


def test_a_failover_on_guests_shaped_like_ubuntu(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "ubuntu")
    assert code == 0, text
    assert "the image of ubuntu guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_a_failover_on_guests_shaped_like_el9_is_enforced_without_a_denial(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "el9")
    assert code == 0, text
    assert "the image of el9 guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_a_failover_on_guests_shaped_like_el8_needs_no_python_on_the_path(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "el8")
    assert code == 0, text
    assert "the image of el8 guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)


@pytest.mark.nightly
def test_preflight_refuses_a_target_whose_firewalld_lets_no_nfs_in(tmp_path):
    lab = Lab(tmp_path / "lab", print)
    try:
        lab.up(standby=True, guests="el9")
        lab.on(SUCCESSOR, "sudo", "firewall-cmd", "-q", "--zone=public", "--remove-service=nfs")
        code, found = preflight(lab)
        assert code == REFUSED
        assert "firewalld lets no NFS in" in found
        assert "firewall-cmd --zone=public --add-service=nfs" in found
        lab.on(SUCCESSOR, "sudo", "firewall-cmd", "-q", "--zone=public", "--add-service=nfs")
        code, found = preflight(lab)
        assert "firewalld" not in found
        assert code != REFUSED, found
    finally:
        lab.down()


def preflight(lab: Lab) -> tuple[int, str]:
    """Exit code and words of the verb as an operator types it."""
    command = [sys.executable, "-m", "invoke", "preflight", "--active", SUCCESSOR, "--no-canaries"]
    done = subprocess.run(
        [*command, "--site", str(lab.site_file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PREFLIGHT_SECONDS,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode, done.stdout
