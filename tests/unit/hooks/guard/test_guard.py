"""What the guard finds on a server: lines, units, cron; what it writes, and that it goes again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooks.contract.result import ABSENT, BROKEN, PRESENT
from hooks.guard import guard, script
from hooks.host.host import CommandFailed, CommandOutcome, Host

LINES = {
    "UUID=root / xfs defaults 0 0": False,
    "UUID=boot /boot ext4 defaults 0 2": False,
    "UUID=data /mnt/a/ xfs defaults,_netdev 0 0": True,
    "/dev/mapper/vg1-lv01 /mnt/b xfs defaults 0 0": True,
    "/mnt/a/inner /srv/inner none bind 0 0": True,
    "/var/tmp /srv/tmp none bind 0 0": False,
    "LABEL=gone /srv/old ext4 nofail 0 0": True,
    "nfs-srv-9:/x /mnt/x nfs _netdev 0 0": False,
    "tmpfs /scratch tmpfs defaults 0 0": False,
    "# UUID=data /mnt/c xfs defaults 0 0": False,
}


class Server(Host):
    """/ on sda3, /boot on sda2; sdb is a volume with a filesystem; lv01 lies on sdc."""

    def __init__(self, root: Path, identity: str = "disk=naa.1\nmachine=m\n") -> None:
        super().__init__(60, str(root))
        self.identity = identity
        self.file("/proc/self/mountinfo", "20 1 8:3 / / rw - xfs /dev/sda3 rw\n")
        self.file("/etc/fstab", "\n".join(LINES) + "\n")
        for disk, parts in {"sda": ("sda2", "sda3"), "sdb": (), "sdc": (), "dm-0": ()}.items():
            for name in (disk, *parts):
                folder = root / "sys/devices" / disk / (name if name != disk else "")
                folder.mkdir(parents=True, exist_ok=True)
                (root / "sys/class/block").mkdir(parents=True, exist_ok=True)
                (root / "sys/class/block" / name).symlink_to(folder)
                self.file(f"/dev/{name}", "")
                if name != disk:
                    (folder / "partition").write_text("1\n")
        (root / "sys/devices/dm-0/slaves/sdc").mkdir(parents=True)
        self.file("/dev/mapper/x", "")
        (root / "dev/mapper/vg1-lv01").symlink_to("../dm-0")
        (root / "dev/disk/by-uuid").mkdir(parents=True)
        for uuid, name in {"root": "sda3", "boot": "sda2", "data": "sdb"}.items():
            (root / "dev/disk/by-uuid" / uuid).symlink_to(f"../../{name}")

    def file(self, name: str, text: str) -> None:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *argv, **_):
        answers = {
            "sh": self.identity,
            "systemctl": "RequiredBy=local-fs.target backup.service\nBoundBy=\n",
            "systemd-escape": argv[-1].strip("/").replace("/", "-") + ".mount\n",
            "dpkg-query": "b 2\na 1\n",
            "sync": "",
        }
        if argv[0] not in answers:
            raise CommandFailed(f"{argv[0]}: command not found")
        return CommandOutcome(0, answers[argv[0]], "")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_lines_of_other_disks_are_put_off_however_they_are_spelled(server):
    assert [line.text for line in guard.put_off(server)] == [text for text, off in LINES.items() if off]


def test_a_root_on_lvm_is_known_by_its_disk(server):
    server.file("/proc/self/mountinfo", "20 1 253:0 / / rw - xfs /dev/mapper/vg1-lv01 rw\n")
    assert guard.root_disks(server) == ["sdc"]
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
