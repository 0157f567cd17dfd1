"""Whole drills on real guests through the other doors: an apply in the console alone, a pull request."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from lab.drill.operator import Operator
from lab.site.nfs_site import SERVER, SUCCESSOR
from lab.site.stack import VARIABLES_FILE
from tests.drill.run_drill import drill

pytestmark = pytest.mark.guests

LATER = "192.0.2.0/24"


def test_an_apply_in_the_console_alone_completes_the_takeover(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "resource-manager")
    # the image was taken of a server built by hand: it has no hooks, and the volume has them
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"], story["attached_twice"]) == (0, 0, 0)
    assert "apply job: SUCCEEDED" in text
    assert "the console of nfs-srv-2: nfs-failover: in service: ocid1.volumeattachment." in text
    assert "invoke" not in text, "no program of ours may be in the way"


@pytest.mark.nightly
def test_hooks_that_the_volumes_lack_come_from_the_server_s_own_disk(tmp_path):
    argv = ("--door", "resource-manager", "--standby", "--hooks", "disk")
    code, story, text = drill(tmp_path / "lab", *argv)
    assert code == 0, text
    assert (story["active"], story["records_lost"], story["attached_twice"]) == ("nfs-srv-2", 0, 0)


@pytest.mark.nightly
def test_hooks_that_are_nowhere_else_come_from_the_url_of_a_server_that_is_believed(tmp_path):
    argv = ("--door", "resource-manager", "--standby", "--hooks", "url")
    code, story, text = drill(tmp_path / "lab", *argv)
    assert code == 0, text
    assert "certificate verify failed" in text
    assert "the URL in metadata key nfs_failover_hooks_url" in text
    assert "key-of-the-hooks" not in text, "the address may be a secret"
    assert (story["active"], story["records_lost"], story["attached_twice"]) == ("nfs-srv-2", 0, 0)


@pytest.mark.nightly
def test_changed_hooks_on_the_volume_are_not_run_and_the_console_says_what_to_do(tmp_path):
    argv = ("--door", "resource-manager", "--standby", "--hooks", "changed")
    code, story, text = drill(tmp_path / "lab", *argv)
    assert code == 0, text
    assert "found SHA-256" in text
    assert "put that hooks.pyz there" in text
    assert (story["active"], story["records_lost"], story["attached_twice"]) == ("nfs-srv-2", 0, 0)


@pytest.mark.nightly
def test_a_pull_request_moves_the_service(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "gitops", "--standby")
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"]) == (0, 0)


@pytest.mark.nightly
def test_a_standby_s_boot_service_serves_what_the_site_exports_today(lab):
    """It was born with the exports of before: an instance's metadata stays as it was."""
    variables = lab.terraform.directory / VARIABLES_FILE
    site = json.loads(variables.read_text())
    site["storage"]["exports"][0]["clients"].append(LATER)
    variables.write_text(json.dumps(site))
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    lines, code = Operator(lab.site_file, Console(), print).run("standby.up", SUCCESSOR)
    assert (code, any("spec" in line and "ready:" in line for line in lines)) == (0, True), lines
    lab.crash(SERVER)
    lab.power_off(SERVER)
    (lab.terraform.directory / "active.auto.tfvars").write_text(f'active_server = "{SUCCESSOR}"\n')
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    lab.await_service(SUCCESSOR)
    assert LATER in lab.on(SUCCESSOR, "sudo", "exportfs", "-s")
