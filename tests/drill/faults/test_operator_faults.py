"""Faults of the operator's own machine and site file, each against a healthy server: its power is never cut.

One lab serves for all: nothing here may change it, and that is what is asserted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER
from tests.drill.faults.operator_faults import CODES, FAULTS, Edit, unchanged
from tests.paths import ROOT

pytestmark = pytest.mark.guests

RUN_SECONDS = 240
READ = "cat /mnt/nfs/a/test.txt"
# of the ways in which a run ends; the others are tried each night
AT_EACH_CHANGE = ("no way to the network", "a key that no host lets in", "too few file descriptors")


def _fault(fault: str) -> ParameterSet:
    """This fault; a nightly one where it is not tried at each change."""
    return pytest.param(fault, marks=() if fault in AT_EACH_CHANGE else pytest.mark.nightly)


@dataclass(frozen=True)
class Site:
    """A healthy site, whose configuration is changed for one run at a time."""

    lab: Lab

    def run(self, verb: str, edit: Edit, folder: Path, limit: str = "") -> tuple[int, dict[str, object], str]:
        """Run a verb with an edited site file; exit code, the report, all that was printed."""
        file = folder / "site.toml"
        file.write_text(edit(self.lab.site_file.read_text(), folder))
        argv = [sys.executable, "-m", "invoke", verb, "--site", str(file), "--json"]
        argv += ["--active", "nfs-srv-2"] + (["--yes"] if verb == "failover" else [])
        done = subprocess.run(
            ["bash", "-c", f'{limit}exec "$@"', "bash", *argv],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        print(done.stdout)
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout

    def is_untouched(self) -> bool:
        """The server runs, has its volumes, and the client reads through it."""
        compute = self.lab.api.compute_client()
        instance = compute.get_instance(self.lab.instance(SERVER)).data
        held = compute.list_volume_attachments(instance.compartment_id, instance_id=instance.id).data
        states = {a.lifecycle_state for a in held}
        return instance.lifecycle_state == "RUNNING" and states == {"ATTACHED"} and bool(self.client(READ))

    def client(self, script: str) -> str:
        return self.lab.on(CLIENT, "sudo", "timeout", "60", "sh", "-c", script)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    lab = Lab(tmp_path_factory.mktemp("operator-faults") / "lab", print)
    try:
        lab.up()
        yield Site(lab)
    finally:
        lab.down()


@pytest.mark.parametrize("fault", [_fault(fault) for fault in FAULTS])
def test_a_fault_of_the_operators_own_never_costs_a_healthy_server_its_power(
    site: Site, tmp_path: Path, fault: str
) -> None:
    ends, edit, told, limit = FAULTS[fault]
    code, report, text = site.run("failover", edit, tmp_path, limit)
    assert code == CODES[ends], text
    assert told in text
    assert report["remedy"]
    assert "power-off" not in text
    assert site.is_untouched()


@pytest.mark.parametrize(
    "fault",
    [_fault(fault) for fault in ("a wrong user", "no way to the network", "a key file that is not there")],
)
def test_preflight_does_not_say_that_a_failover_would_work(site: Site, tmp_path: Path, fault: str) -> None:
    ends, edit, _, limit = FAULTS[fault]
    code, _, text = site.run("preflight", edit, tmp_path, limit)
    assert code == CODES[ends], text
    assert "would work now" not in text


def test_the_same_site_without_a_fault_would_be_failed_over(site: Site, tmp_path: Path) -> None:
    code, _, text = site.run("plan", unchanged, tmp_path)
    assert code == 0, text
    assert "release nfs-srv-1" in text
