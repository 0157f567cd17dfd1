"""A filesystem that gave up: mounted for the kernel's table, and every call on it an I/O error."""

import errno
import os
from pathlib import Path

import pytest

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.contract.spec import ServerSpec
from hooks.hints import kernel_log
from hooks.layers import filesystem
from tests.unit.hooks.scripted_host import PlannedHost, fixture

MOUNTED = "22 1 254:0 / / rw - ext4 /dev/root rw\n88 22 253:0 / /mnt/a rw - xfs /dev/mapper/vg1-lv01 rw\n"
HOST = {
    "files": {
        "/dev/dm-0": "",
        "/proc/self/mountinfo": MOUNTED,
        "/etc/fstab": "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n",
    },
    "links": {"/dev/vg1/lv01": "../dm-0", "/dev/mapper/vg1-lv01": "../dm-0"},
    "directories": ["/mnt/a"],
}


def answered(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> Layer:
    """The layer's check on a host where stat(2) of the mount point ends with this errno."""
    host, real = PlannedHost(str(path), HOST), os.stat

    def stat(name: str, **words: object) -> os.stat_result:
        if str(name) == host.path("/mnt/a"):
            raise OSError(code, os.strerror(code))
        return real(name, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    layer = walk.check(host, parse(fixture("server-spec.json")), ["filesystem"])[0]
    monkeypatch.undo()
    return layer


def test_an_input_output_error_is_broken_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = answered(tmp_path, monkeypatch, errno.EIO)
    assert layer.state == "broken"
    assert "/mnt/a: mounted read-only or shut down after I/O errors" in layer.message
    assert "release, then apply" in layer.message


def test_any_other_error_says_nothing_about_the_filesystem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answered(tmp_path, monkeypatch, errno.EACCES).state == "present"


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        ("88 22 253:0 / /mnt/look ro,relatime - xfs /dev/mapper/vg1-lv01 ro,attr2", True),
        ("88 22 253:0 / /mnt/look rw,relatime - xfs /dev/mapper/vg1-lv01 rw,attr2", False),
        ("88 22 253:0 /a /srv/a ro,relatime - xfs /dev/mapper/vg1-lv01 rw,attr2", False),
        ("88 22 253:9 / /mnt/look ro,relatime - xfs /dev/mapper/vg9-lv01 ro,attr2", False),
    ],
)
def test_a_person_who_looks_at_the_data_elsewhere(tmp_path: Path, row: str, refused: bool) -> None:
    """Mounted read-only, it would be so on its mount point, too: a takeover refuses that by name."""
    files = {"/dev/dm-0": "", "/proc/self/mountinfo": MOUNTED.splitlines(True)[0] + row + "\n"}
    commands = [{"run": "blkid -p -o export /dev/vg1/lv01", "out": "@blkid-export.txt"}]
    host = PlannedHost(str(tmp_path), {**HOST, "files": files, "commands": commands})
    spec = parse(fixture("server-spec.json"))
    assert isinstance(spec, ServerSpec)
    said = "/mnt/a: /dev/vg1/lv01 is mounted read-only at /mnt/look, and every mount of it would be; "
    assert filesystem.refusals(host, spec) == [said + "unmount that first"] * refused


def test_a_mount_that_fails_ends_with_the_kernel_s_own_line(tmp_path: Path) -> None:
    """Lines of before the mount, and of other devices, are not its cause."""
    log = (
        "[   10.000000] XFS (dm-0): Mounting V5 Filesystem\n"
        "[   20.500000] XFS (dm-0): Filesystem has duplicate UUID 0f3b1b5c - can't mount\n"
        "[   20.600000] XFS (dm-01): another one\n"
    )
    said = "mount: /mnt/a: wrong fs type, bad option, bad superblock on /dev/mapper/vg1-lv01."
    commands = [
        {"run": "blkid -p -o export /dev/vg1/lv01", "out": "@blkid-export.txt"},
        {"run": "mount /mnt/a", "code": 32, "err": said},
        {"run": "dmesg", "out": log},
    ]
    host = PlannedHost(str(tmp_path), {**HOST, "commands": commands})
    host.change({"files": {"/proc/uptime": "20.10 9\n", "/proc/self/mountinfo": MOUNTED.splitlines(True)[0]}})
    (layer,) = walk.apply(host, parse(fixture("server-spec.json")), ["filesystem"])
    host.finish()
    assert layer.state == "broken"
    assert said in layer.message
    assert layer.message.endswith(
        "the kernel: XFS (dm-0): Filesystem has duplicate UUID 0f3b1b5c - can't mount"
    )


def test_what_the_kernel_said_before_is_not_the_cause() -> None:
    log = "[   10.0] XFS (dm-0): Ending clean mount\n[   30.0] EXT4-fs (dm-0): bad option\nno time dm-0\n"
    assert kernel_log.last(log, "dm-0", 20.0) == ["EXT4-fs (dm-0): bad option", "no time dm-0"]
    assert kernel_log.last(log, "dm-1", 0.0) == []
