"""Who keeps a filesystem busy, and how the release gets it back."""

import os
import signal
from pathlib import Path

import pytest

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.host.host import Host
from hooks.host.processes import users_of
from tests.unit.hooks.scripted_host import PlannedHost, fixture

PID = 4194305  # above the kernel's largest pid, so that nobody real is ever meant
ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
MOUNTED = ROOT + "88 22 253:0 / /mnt/a rw - xfs /dev/mapper/vg1-lv01 rw\n"
BUSY = {"run": "umount /mnt/a", "code": 32, "err": "target is busy"}
FREE = {"run": "umount /mnt/a", "then": {"files": {"/proc/self/mountinfo": ROOT}}}
RELOAD = {"run": "systemctl daemon-reload"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Signals that would have been sent."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append((pid, number)))
    return found


def case(*commands: dict[str, object]) -> dict[str, object]:
    return {
        "files": {
            "/dev/dm-0": "",
            "/proc/self/mountinfo": MOUNTED,
            "/etc/fstab": "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n",
            f"/proc/{PID}/comm": "writer\n",
            f"/proc/{PID}/maps": "",
        },
        "links": {
            "/dev/vg1/lv01": "../dm-0",
            "/dev/mapper/vg1-lv01": "../dm-0",
            f"/proc/{PID}/fd/3": "/mnt/a/log",
            f"/proc/{PID}/cwd": "/",
        },
        "commands": list(commands),
    }


def release(host: PlannedHost) -> Layer:
    return walk.release(host, parse(fixture("server-spec.json")), ["filesystem"])[0]


def test_term_is_enough(tmp_path: Path, sent: list[tuple[int, int]]) -> None:
    host = PlannedHost(str(tmp_path), case(BUSY, BUSY, BUSY, FREE, RELOAD))
    assert release(host).state == "absent"
    assert sent == [(PID, signal.SIGTERM)]
    host.finish()


def test_kill_after_term_and_never_lazily(tmp_path: Path, sent: list[tuple[int, int]]) -> None:
    host = PlannedHost(str(tmp_path), case(*[BUSY] * 24, FREE, RELOAD))
    assert release(host).state == "absent"
    assert sent == [(PID, signal.SIGTERM), (PID, signal.SIGKILL)]
    host.finish()


def test_held_to_the_end_says_by_whom(tmp_path: Path, sent: list[tuple[int, int]]) -> None:
    layer = release(PlannedHost(str(tmp_path), case(*[BUSY] * 200)))
    assert layer.state == "broken"
    assert f"still mounted after 60 s, held by {PID} (writer)" in layer.message
    assert len(sent) == 2


def test_what_no_process_holds_is_the_kernel_s(tmp_path: Path, sent: list[tuple[int, int]]) -> None:
    idle = case(*[BUSY] * 200)
    idle["gone"] = [f"/proc/{PID}/fd/3"]
    layer = release(PlannedHost(str(tmp_path), idle))
    assert "held by the kernel: look for loop devices and swap" in layer.message
    assert sent == []


def test_this_very_process_s_neighbours_are_seen(tmp_path: Path) -> None:
    ready, done = os.pipe()
    child = os.fork()
    if not child:
        with (tmp_path / "held").open("w"):
            os.write(done, b"x")
            signal.pause()
        os._exit(0)
    os.read(ready, 1)
    try:
        assert child in users_of(Host(5), str(tmp_path))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert child not in users_of(Host(5), str(tmp_path))
