"""`invoke status` on the real Terraform, SDK and API: what each witness says, and what it comes to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.provider.process import ProviderProcess
from tests import sources
from tests.paths import ROOT
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.flow.test_flow import site_text
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack
from tests.unit.failover.hosts.sshd import sshd

pytestmark = pytest.mark.checked(sources.TERRAFORM)


class Place:
    """An applied site: nfs-srv-1 has bv1 and bv2 and is silent, nfs-srv-2 does not exist."""

    def __init__(self, cloud: LabCloud, stack: LaidStack, file: Path) -> None:
        self.cloud, self.stack, self.file = cloud, stack, file

    def status(self, *argv: str, **environment: str) -> tuple[int, dict[str, Any], str]:
        command = [sys.executable, "-m", "invoke", "status", "--json", "--site", str(self.file), *argv]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(
    make_site: MakeSite,
    make_stack: MakeStack,
    cloud: LabCloud,
    provider: ProviderProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    variables = make_site(server_id=cloud.launch("nfs-srv-1"))
    stack = make_stack(variables)
    stack.apply()
    folder = tmp_path_factory.mktemp("status")
    with sshd(None) as nfs_cli:
        (folder / "site.toml").write_text(site_text(stack, cloud, provider, folder, nfs_cli.port))
        yield Place(cloud, stack, folder / "site.toml")


def test_a_silent_server_is_unknown_and_the_others_are_seen(place: Place, tmp_path: Path) -> None:
    before = len(place.cloud.requests())
    code, found, text = place.status("--html", str(tmp_path / "status.html"))
    assert (code, found["agreement"], found["active"]) == (5, "unknown", "nfs-srv-1"), text
    said = {v["witness"]: v["server"] for v in found["witnesses"] if v["known"]}
    assert said == {
        "Terraform's state": "nfs-srv-1",
        "active.auto.tfvars": "nfs-srv-1",
        "the API": "nfs-srv-1",
    }
    assert found["volumes"] == dict.fromkeys(("bv1", "bv2"), "ATTACHED to nfs-srv-1")
    assert (found["servers"]["nfs-srv-1"]["instance"], found["servers"]["nfs-srv-1"]["layers"]) == (
        "RUNNING",
        None,
    )
    assert found["next_servers"] == ["nfs-srv-2 is launched from Debian guest"], text
    assert found["command"] == "./inv failover --active nfs-srv-2"
    assert any("nfs-srv-1 itself" in line for line in found["unknown"])
    assert "<svg" in (tmp_path / "status.html").read_text()
    calls = {r["operation"] for r in place.cloud.requests()[before:]}
    assert all(name.startswith(("Get", "List")) for name in calls), calls


def test_an_api_that_answers_401_is_unknown_and_the_state_is_shown(place: Place) -> None:
    place.cloud.inject(operation="GetInstance", status=401, message="NotAuthenticated", count=0)
    try:
        code, found, text = place.status()
    finally:
        place.cloud.clear_faults()
    assert (code, found["active"]) == (5, "nfs-srv-1"), text
    assert found["servers"]["nfs-srv-1"]["instance"] == "unknown"
    assert any("GetInstance" in line for line in found["unknown"])


def test_without_a_state_without_an_oci_configuration_without_terraform(place: Place, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[terraform]\ndirectory = "none"\n[oci]\nconfig_file = "none"\n')
    elsewhere = Place(place.cloud, place.stack, tmp_path / "site.toml")
    code, found, text = elsewhere.status()
    assert (code, found["active"], found["agreement"]) == (5, None, "unknown"), text
    assert "no Terraform stack in" in text
    assert found["command"].startswith("correct [terraform] directory")
    code, found, text = place.status(PATH=str(tmp_path))
    assert code == 5, text
    assert "terraform is not on the PATH" in text
