"""The service's address comes while clients can still take their locks back, or the run says it is late."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec
from hooks.layers.locks import grace
from tests.unit.hooks.scripted_host import PlannedHost, fixture

RESTART = {"run": "systemctl restart nfs-server"}
RUNNING, OVER = {"/proc/fs/nfsd/v4_end_grace": "N\n"}, {"/proc/fs/nfsd/v4_end_grace": "Y\n"}


def spec(locks: bool = True) -> ServerSpec:
    part = {"locks": {"lease_seconds": 30, "grace_seconds": 45} if locks else None}
    parsed = parse(json.dumps({**json.loads(fixture("server-spec.json")), **part}))
    assert isinstance(parsed, ServerSpec)
    return parsed


def systemd(value: str) -> dict[str, str]:
    return {
        "run": "systemctl show -p ActiveEnterTimestampMonotonic --value nfs-server",
        "out": f"{value}\n",
    }


def kept(root: Path, seconds: float, files: dict[str, str], *commands: Any, began: bool = True) -> list[str]:
    """`seconds`: between nfsd's start and the look."""
    made = PlannedHost(str(root), {"files": files, "commands": list(commands)})
    if began:
        grace.begins(made)
    made.clock += seconds
    done = grace.keep(made, spec())
    made.finish()
    return done


@pytest.mark.parametrize("files", [RUNNING, OVER])
def test_an_address_that_comes_soon_changes_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    assert kept(tmp_path, 22, files) == []  # over at once: nobody is on record


def test_a_grace_that_has_half_passed_begins_anew(tmp_path: Path) -> None:
    (text,) = kept(tmp_path, 23, RUNNING, RESTART)
    assert text == "nfs-server started once more: 23 s of its grace of 45 s had passed without the address"


def test_a_grace_that_is_over_is_said_and_no_start_would_help(tmp_path: Path) -> None:
    (text,) = kept(tmp_path, 46, OVER)
    assert text.startswith("nfsd's grace of 45 s was over before the address came")


def test_a_run_that_goes_on_after_another_asks_systemd(tmp_path: Path) -> None:
    assert kept(tmp_path / "soon", 10, RUNNING, systemd("2000000"), began=False) == []
    late = kept(tmp_path / "late", 40, RUNNING, systemd("2000000"), RESTART, began=False)
    assert "38 s of its grace" in late[0]
    assert kept(tmp_path / "not-started", 40, RUNNING, systemd("0"), began=False) == []


def test_an_nfsd_that_serves_clients_already_goes_on(tmp_path: Path) -> None:
    assert kept(tmp_path, 40, {**RUNNING, "/proc/fs/nfsd/clients/1/info": ""}) == []


def test_a_site_that_keeps_no_locks_is_not_looked_at(tmp_path: Path) -> None:
    made = PlannedHost(str(tmp_path), {"files": RUNNING, "commands": []})
    made.clock += 60
    assert grace.keep(made, spec(locks=False)) == []
    made.finish()
