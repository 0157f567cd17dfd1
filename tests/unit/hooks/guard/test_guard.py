"""What the guard finds on a server: lines, units, cron; what it writes, and that it goes again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooks.contract.result import ABSENT, BROKEN, PRESENT
from hooks.guard import disks, guard, script
from tests.unit.hooks.guard.a_server import LINES, Server


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_lines_of_other_disks_are_put_off_however_they_are_spelled(server):
    assert [line.text for line in guard.put_off(server)] == [text for text, off in LINES.items() if off]


def test_a_root_on_lvm_is_known_by_its_disk(server):
    server.file("/proc/self/mountinfo", "20 1 253:0 / / rw - xfs /dev/mapper/vg1-lv01 rw\n")
    assert disks.root_disks(server) == ["sdc"]
    assert "/dev/mapper/vg1-lv01 /mnt/b xfs defaults 0 0" not in [x.text for x in guard.put_off(server)]


def test_the_guard_is_written_found_and_taken_away(server):
    server.file("/etc/cron.d/backup", "# /mnt/b\n0 1 * * * root rsync /mnt/a /elsewhere\n")
    server.file("/etc/cron.d/other", "0 1 * * * root true\n")
    (layer,) = guard.guard(server, None, ())
    assert layer.state == PRESENT, layer.message
    assert layer.facts["cron"] == ["/etc/cron.d/backup"]
    assert layer.facts["units"]["backup.service"] == ["/mnt/a", "/mnt/b", "/srv/inner", "/srv/old"]
    assert (layer.facts["package_count"], len(layer.facts["packages"])) == (2, 64)
    lines = (server.read(f"{script.FOLDER}/lines") or "").splitlines()
    assert lines == [text for text, off in LINES.items() if off]
    assert server.read(f"{script.FOLDER}/of") == server.identity
    assert "ConditionPathExists=!/" in (server.read(f"{script.FOLDER}/units/mnt-a.mount") or "")
    nfs = server.read(f"{script.FOLDER}/units/nfs-server.service.d/nfs-failover-guard.conf") or ""
    assert "ConditionPathIsMountPoint=/mnt/a\n" in nfs
    assert os.access(server.path(script.SCRIPT), os.X_OK)
    (again,) = guard.guard(server, None, ())
    assert again.facts == layer.facts
    (gone,) = guard.unguard(server, None, ())
    assert (gone.state, gone.changed) == (ABSENT, True)
    assert not Path(server.path(script.FOLDER)).exists()
    assert not Path(server.path(script.SCRIPT)).exists()
    (nothing,) = guard.unguard(server, None, ())
    assert (nothing.state, nothing.changed) == (ABSENT, False)


def test_a_server_of_which_no_copy_could_be_told_gets_no_guard(tmp_path):
    server = Server(tmp_path, "disk=\nmachine=\n")
    (layer,) = guard.guard(server, None, ())
    assert layer.state == BROKEN
    assert "a copy could not know that it is one" in layer.message
    assert server.read(f"{script.FOLDER}/of") is None
