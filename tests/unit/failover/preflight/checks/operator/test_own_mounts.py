"""What the operator's own machine has from the service that it is to bring back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from failover.preflight.check import CheckResult
from failover.preflight.checks.operator import own_mounts
from hooks.host import mounts as mount_table
from tests.unit.failover.preflight.ground import FIRST, STACK, complete

ROOT_DISK = "21 1 8:1 / / rw,relatime - xfs /dev/sda1 rw"
HOME = (
    r"77 21 0:50 / /home/ops\040team rw,relatime - nfs4 {host}:/export/home rw,vers=4.2,hard,addr={address}"
)
SERVICE = own_mounts.names(replace(STACK, service_ip="10.0.0.50", dns_name="nfs.hpc.example.com"))


def judged(*lines: str, **used: str) -> Any:
    paths = {what: Path(path) for what, path in used.items()}
    return own_mounts.judge(paths, mount_table.parse("\n".join((ROOT_DISK, *lines))), SERVICE)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.50", "10.0.0.50"),
        ("nfs.HPC.example.com.", "10.9.9.9"),
        ("storage", FIRST.address or ""),
        (FIRST.hostname, "192.0.2.1"),
    ],
    ids=["service address", "service name", "an alias", "by host name"],
)
def test_a_stack_in_a_home_folder_of_the_service(host: str, address: str) -> None:
    check = judged(
        HOME.format(host=host, address=address), stack="/home/ops team/site", key="/home/ops team/.ssh/id"
    )
    assert check.outcome is CheckResult.BLOCKING
    assert complete(check)
    assert "stack (/home/ops team/site) and key (/home/ops team/.ssh/id) lie on" in check.actual
    assert f"{host}:/export/home at /home/ops team" in check.actual


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (HOME.format(host="filer", address="192.0.2.9"),),
        (
            HOME.format(host="10.0.0.50", address="10.0.0.50"),
            r"78 77 8:2 / /home/ops\040team/site rw - xfs /dev/sdb rw",
        ),
        (
            HOME.format(host="10.0.0.50", address="10.0.0.50"),
            r"78 77 8:2 / /home/ops\040team rw - xfs /dev/sdb rw",
        ),
        (r"79 21 0:51 / /home/ops rw - nfs4 10.0.0.50:/export/home rw,addr=10.0.0.50",),
    ],
    ids=["no NFS", "another server's", "a local disk below", "mounted over", "a name that only begins so"],
)
def test_what_lies_elsewhere(lines: tuple[str, ...]) -> None:
    assert judged(*lines, stack="/home/ops team/site").outcome is CheckResult.OK


def test_the_look_asks_about_all_that_a_run_needs(tmp_path: Path) -> None:
    access = SimpleNamespace(directory=tmp_path, stack_id="", checkout=None)
    ssh = SimpleNamespace(identity_file=tmp_path / "id", config_file=None, known_hosts=None)
    cloud = SimpleNamespace(config_file=tmp_path / "config")
    site = SimpleNamespace(
        file=tmp_path / "site.toml", runs=tmp_path / "runs", terraform=access, cloud=cloud, ssh=ssh
    )
    used = own_mounts.used(cast(Any, site))
    assert {"the stack", "the SSH key", "the runs", "this checkout", "your home folder"} <= set(used)
    (check,) = own_mounts.look(cast(Any, SimpleNamespace(site=site, stack=STACK)))
    assert check.outcome is CheckResult.OK
