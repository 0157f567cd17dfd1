"""A filesystem that gave up: mounted for the kernel's table, and every call on it an I/O error."""

import errno
import os
from pathlib import Path

import pytest

from hooks import layers
from hooks.parse import parse
from tests.unit.hooks.planned import PlannedHost, fixture

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


def answered(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> layers.Layer:
    """The layer's check on a host where stat(2) of the mount point ends with this errno."""
    host, real = PlannedHost(str(path), HOST), os.stat

    def stat(name: str, **words: object) -> os.stat_result:
        if str(name) == host.path("/mnt/a"):
            raise OSError(code, os.strerror(code))
        return real(name, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    layer = layers.check(host, parse(fixture("server-spec.json")), ["filesystem"])[0]
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
