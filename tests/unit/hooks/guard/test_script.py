"""The guard's own text, run by sh as a generator and as a unit, on a host that is folders."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from hooks.guard import guard
from hooks.guard.script import BOOTED, FOLDER, SETTLED
from hooks.layers import exports, fstab
from hooks.layers.locks import locks

SITE = "/dev/vg1/lv01 /mnt/a xfs defaults 0 0"
OWN = "UUID=abc / xfs defaults 0 0"
SERVER, COPY = ("naa.server", "machine-1"), ("naa.copy", "machine-2")


class Machine:
    """A root with one disk, sda, whose first partition is /; its commands note that they ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file(
            "proc/self/mountinfo", "23 1 8:1 / / rw - xfs /dev/sda1 rw\n24 23 0:9 / /run rw - tmpfs x rw\n"
        )
        self.file("proc/cmdline", "quiet\n")
        self.file("sys/devices/sda/sda1/partition", "1\n")
        (root / "sys/devices/sda/device").mkdir()
        (root / "sys/dev/block").mkdir(parents=True)
        (root / "sys/dev/block/8:1").symlink_to("../../devices/sda/sda1")
        self.file("etc/fstab", f"{OWN}\n{SITE}\n")
        self.file("bin/commands", "")
        for name in ("systemctl", "ssh-keygen", "systemd-machine-id-setup"):
            self.file(f"bin/{name}", f'#!/bin/sh\necho {name} "$@" >> {root}/bin/commands\n').chmod(0o755)
        self.is_now(*SERVER)
        text = re.sub(r"(?<![\w@$}/])/(proc|sys|etc|var)/", rf"{root}/\1/", guard._text())
        self.file("guard", text)
        self.boot("one")
        self.file(f"{FOLDER[1:]}/lines", SITE + "\n")
        self.file(f"{FOLDER[1:]}/name", "nfs-srv-1\n")
        self.file(f"{FOLDER[1:]}/of", self.run("identity"))
        for unit in ("nfs-failover-guard.service", "nfs-failover-booted.service", "units/mnt-a.mount"):
            self.file(f"{FOLDER[1:]}/{unit}", "[Unit]\n")

    def file(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def is_now(self, wwid: str, uuid: str) -> None:
        self.file("sys/devices/sda/device/wwid", wwid + "\n" if wwid else "")
        self.file("sys/class/dmi/id/product_uuid", uuid + "\n" if uuid else "")

    def boot(self, boot_id: str) -> None:
        self.file("proc/sys/kernel/random/boot_id", boot_id + "\n")

    def run(self, *argv: str) -> str:
        path = f"{self.root}/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", self.root / "guard", *argv],
            env={"PATH": path},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def units(self) -> list[str]:
        """What the generator writes at a boot."""
        early = self.root / "early"
        subprocess.run(["rm", "-rf", early], check=True)
        early.mkdir()
        self.run(str(self.root / "normal"), str(early), str(self.root / "late"))
        return sorted(str(p.relative_to(early)) for p in early.rglob("*") if not p.is_dir())

    def table(self) -> list[str]:
        return (self.root / "etc/fstab").read_text().splitlines()


@pytest.fixture
def machine(tmp_path, real_commands):
    return Machine(tmp_path)


ALL = [
    "mnt-a.mount",
    "nfs-failover-booted.service",
    "nfs-failover-guard.service",
    "sysinit.target.wants/nfs-failover-booted.service",
    "sysinit.target.wants/nfs-failover-guard.service",
]


@pytest.mark.parametrize(
    "now",
    [SERVER, ("naa.server", "another"), ("", "machine-1"), ("", "")],
    ids=["itself", "moved to other hardware", "its disk without a name", "nothing can be told"],
)
def test_on_the_server_it_does_nothing(machine, now):
    machine.is_now(*now)
    assert machine.units() == []
    assert machine.run("settle") == ""
    assert machine.table() == [OWN, SITE]
    assert (machine.root / "bin/commands").read_text() == ""


@pytest.mark.parametrize("now", [COPY, ("naa.copy", "machine-1"), ("", "machine-2")])
def test_a_copy_waits_for_nothing_of_the_server(machine, now):
    machine.is_now(*now)
    assert machine.units() == ALL
    said = machine.run("settle")
    assert said == f"{SETTLED}: a copy of nfs-srv-1; put off in fstab: 1\n"
    assert machine.table() == [OWN, fstab.OFF + SITE]


def test_it_takes_away_what_is_of_the_server_and_no_more(machine):
    data, boot = "iqn.2015-12.com.oracleiaas:1", "iqn.2015-02.oracle.boot:uefi"
    for name in (data, boot):
        machine.file(f"var/lib/iscsi/nodes/{name}/169.254.2.2,3260,1/default", "x")
    gone = (
        f"var/lib/iscsi/nodes/{data}",
        "etc/lvm/devices/system.devices",
        "etc/exports.d/nfs-failover.exports",
        exports.ORDER[1:],
        "etc/machine-id",
        "etc/ssh/ssh_host_ed25519_key",
        "var/lib/nfs/statd/sm/10.0.0.7",
        *(name[1:] for name in locks.UNITS),
    )
    for name in gone[1:]:
        machine.file(name, "x")
    machine.is_now(*COPY)
    machine.run("settle")
    assert [name for name in gone if (machine.root / name).exists()] == []
    assert (machine.root / f"var/lib/iscsi/nodes/{boot}").exists()
    assert (machine.root / "etc/lvm/devices/system.devices.of-image").exists()
    ran = (machine.root / "bin/commands").read_text().splitlines()
    assert ran == ["systemctl --no-reload disable nfs-server", "ssh-keygen -A", "systemd-machine-id-setup"]


def test_it_acts_in_a_copy_s_first_boot_alone_and_says_at_its_end_that_it_booted(machine):
    machine.is_now(*COPY)
    machine.boot("two")
    machine.run("settle")
    assert machine.units() == [name for name in ALL if "booted" in name]  # daemon-reload in that boot
    assert machine.run("booted") == BOOTED + "\n"
    machine.boot("three")
    assert machine.units() == []
    machine.file("etc/fstab", f"{OWN}\n{SITE}\n")  # a takeover has put it back
    assert machine.run("settle") == ""
    assert machine.table() == [OWN, SITE]


def test_a_copy_of_a_copy_is_a_copy(machine):
    machine.is_now(*COPY)
    machine.run("settle")
    machine.is_now("naa.other", "machine-3")
    assert machine.units() == ALL
    assert SETTLED in machine.run("settle")
    assert machine.table() == [OWN, fstab.OFF + SITE]


def test_half_a_guard_does_nothing(machine):
    (machine.root / FOLDER[1:] / "of").unlink()
    machine.is_now(*COPY)
    assert machine.units() == []
    assert machine.run("settle") == ""
