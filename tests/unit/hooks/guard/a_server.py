"""A server as files: / on sda3, a volume sdb, a logical volume on sdc; its commands answer from a table."""

from __future__ import annotations

from pathlib import Path

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
        self.packages = "b 2\na 1\n"
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

    def chmod(self, name: str, mode: int) -> None:
        Path(self.path(name)).chmod(mode)

    def run(self, *argv, **_):
        answers = {
            "sh": self.identity,
            "systemctl": "RequiredBy=local-fs.target backup.service\nBoundBy=\n",
            "systemd-escape": argv[-1].strip("/").replace("/", "-") + ".mount\n",
            "dpkg-query": self.packages,
            "sync": "",
        }
        if argv[0] not in answers:
            raise CommandFailed(f"{argv[0]}: command not found")
        return CommandOutcome(0, answers[argv[0]], "")
