"""What a server that stands by has running beforehand, beside data."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.contract.result import BROKEN, PRESENT, Layer
from hooks.probe import ready
from tests.unit.hooks.scripted_host import PlannedHost, fixture, units_below_nfsd

KERNEL = {"/proc/filesystems": "nodev\tnfsd\n\txfs\n"}


def units(root: Path, states: tuple[str, ...], *commands: dict[str, object]) -> Layer:
    case = {"files": KERNEL, "commands": [units_below_nfsd(*states), *commands]}
    host = PlannedHost(str(root), case)
    found = {layer.layer: layer for layer in ready.ready(host, fixture("server-spec.json"))}
    host.finish()
    return found["units"]


@pytest.mark.parametrize(
    ("states", "started"),
    [
        (("inactive", "inactive", "inactive"), "proc-fs-nfsd.mount rpc_pipefs.target rpcbind.service"),
        (("active", "active", "inactive"), "rpcbind.service"),
        (("inactive", "active", "masked"), "proc-fs-nfsd.mount"),
    ],
)
def test_what_nfsd_needs_beside_data_is_started(
    tmp_path: Path, states: tuple[str, ...], started: str
) -> None:
    layer = units(tmp_path, states, {"run": "systemctl start " + started})
    assert (layer.state, layer.changed) == (PRESENT, True)
    assert layer.message == started.replace(" ", ", ") + " started"


def test_a_unit_that_does_not_start_is_named(tmp_path: Path) -> None:
    failed = {"run": "systemctl start rpcbind.service", "code": 1, "err": "Job for rpcbind.service failed"}
    layer = units(tmp_path, ("active", "active", "inactive"), failed)
    assert layer.state == BROKEN
    assert "Job for rpcbind.service failed" in layer.message
