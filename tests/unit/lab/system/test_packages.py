"""A machine that lacks packages gets one command to copy."""

import pytest

from lab.system import packages
from lab.system.errors import HardwareError


def test_what_is_missing_is_named_by_package(monkeypatch):
    there = {"ip", "ssh", "ssh-keygen", "tgtd"}
    monkeypatch.setattr(packages.shutil, "which", lambda tool, path=None: tool if tool in there else None)
    assert "tgt" in packages.missing()  # tgtadm is not there
    assert "openssh-client" not in packages.missing()


def test_without_root_the_command_is_told(monkeypatch):
    monkeypatch.setattr(packages, "missing", lambda tools: ["mmdebstrap", "tgt"])
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    with pytest.raises(HardwareError, match=r"apt-get install -y --no-install-recommends mmdebstrap tgt'$"):
        packages.ensure()


def test_nothing_missing_is_nothing_done(monkeypatch):
    monkeypatch.setattr(packages, "missing", lambda tools: [])
    assert packages.ensure() == []
