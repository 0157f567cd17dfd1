"""A Linux host in memory and in a folder: the hooks run on it as they are, and only commands are models.

Files lie below `root`, so that the hooks' own reads, listings and links work. What the kernel knows (devices,
mounts, sessions, exports) is kept as values and shown in /proc, /sys and /dev. Time passes by waiting alone.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.host.host import CommandFailed, CommandOutcome, Host
from tests.model.host.devices import Devices
from tests.model.host.initiator import Initiator
from tests.model.host.mounts import Mounts
from tests.model.host.nfsd import Nfsd
from tests.model.host.startup import start_up
from tests.model.host.storage import Disk, Filesystem
from tests.model.host.tools import TOOLS, HangError, Unmodelled
from tests.model.host.units import Units

if TYPE_CHECKING:
    from tests.model.site import Site

_FOLDERS = (
    "dev",
    "etc",
    "etc/exports.d",
    "mnt",
    "proc/self",
    "proc/net",
    "proc/fs/nfsd",
    "run",
    "srv",
    "sys/block",
)


class CutOffError(BaseException):
    """The process of the hooks was killed; no `except Exception` of theirs sees it."""


class LinuxHost(Host):
    """One host of a site; `addresses` are its own, in order of their network devices."""

    def __init__(self, site: Site, name: str, addresses: Sequence[str]) -> None:
        self.clock = 0.0
        root = site.folder / name
        for folder in _FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        Host.__init__(self, 300.0, str(root))
        self.site, self.name, self.up = site, name, True
        self.addresses = {f"ens{3 + number}": [(each, 24)] for number, each in enumerate(addresses)}
        self.names: dict[str, str] = {}  # of /etc/hosts, or of its name service: lower case to address
        self.system_id = ""
        self.event_activation = False
        self.use_devices_file = False
        self.lvm_conf: dict[str, str] = {}  # settings of lvm.conf that are not the default
        self.kernel_log: list[str] = []
        self.ran: list[list[str]] = []
        self.notes: list[str] = []
        self.cut_after: int | None = None  # so many commands from now on the run is killed
        self._turn = threading.RLock()
        self._shown: dict[str, str] = {}
        self._primary = {device: list(each) for device, each in self.addresses.items()}
        self._local = [Disk(partitions=(Filesystem("ext4"),))]
        self._kernel({})
        Path(self.path("/usr")).mkdir()
        Path(self.path("/usr/sbin")).symlink_to(site.programs())
        self.write("/proc/filesystems", "nodev\tproc\n\text4\n\txfs\n")
        part = self._local[0].partitions[0]
        assert isinstance(part, Filesystem)
        self.write("/etc/fstab", f"UUID={part.uuid} / ext4 defaults 0 1\n")

    def _kernel(self, records: dict[tuple[str, str], dict[str, str]]) -> None:
        """What a kernel has that was just started."""
        self.devices = Devices(self)
        self.initiator = Initiator(self)
        self.initiator.records = records
        self.mounts = Mounts(self)
        self.nfsd = Nfsd(self)
        self.units = Units(self)
        for disk in self._local:
            self.devices.add_disk(disk)
        self.mounts.show()
        self.nfsd.show()

    def add_local(self, disk: Disk) -> None:
        """A disk of the host's own, which no other host can have."""
        self._local.append(disk)
        self.devices.add_disk(disk)

    def uninstall(self, command: str) -> None:
        folder = Path(self.path("/usr/sbin"))
        if folder.is_symlink():
            folder.unlink()
            shutil.copytree(self.site.programs(), folder)
        (folder / command).unlink()

    def power_off(self) -> None:
        """Everything that only its kernel knew is gone; its files and its iSCSI records stay."""
        for mount in self.mounts.table[:0:-1]:
            if mount in self.mounts.table and mount.covered:
                self.mounts.remove(mount)
        for session in list(self.initiator.sessions.values()):
            self.initiator.log_out(session)
        self.units.end_all()
        self.devices.blocks.clear()
        self.devices.show()
        self.addresses = {device: list(each) for device, each in self._primary.items()}
        self.up = False

    def boot(self) -> list[str]:
        """Starts it as its files say; returns what its boot would wait for, or hang in."""
        enabled = {name: self.units[name].enabled for name in ("nfs-server", "iscsid", "autofs")}
        installed = {name: self.units[name].installed for name in enabled}
        self._kernel(self.initiator.records)
        self.up = True
        for name, state in enabled.items():
            self.units[name].enabled, self.units[name].installed = state, installed[name]
        return start_up(self)

    def begin(self, seconds: float = 300.0) -> None:
        """A new run of the hooks, with its own deadline."""
        self._end = self.now() + seconds

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show(self, name: str, text: str) -> None:
        """As `write`, for what only the kernel and its daemons change."""
        if self._shown.get(name) != text:
            self.write(name, text)
            self._shown[name] = text

    def write(self, name: str, text: str) -> None:
        """At once, as the kernel's tables and careful editors change: nobody reads half of it."""
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(text)
        new.replace(path)

    def read(self, name: str) -> str | None:
        """As the real one, and an open file's mount id, which only the mount table knows."""
        prefix = "/proc/self/fdinfo/"
        if name.startswith(prefix):
            shown = Path("/proc/self/fd/" + name[len(prefix) :]).readlink()
            inside = "/" + os.path.relpath(shown, os.path.realpath(self.root))
            return f"pos:\t0\nflags:\t02300000\nmnt_id:\t{self.mounts.walk(inside).id}\n"
        return Host.read(self, name)

    def connect(self, address: str, port: int) -> str:
        said = self.site.refusal(self, address, port)
        self.clock += 3.0 if "timed out" in said else 0.0
        return said

    def resolve(self, name: str) -> list[str]:
        """As getaddrinfo(3) on this host."""
        found = self.address_of(name)
        return [found] if found else []

    def address_of(self, name: str) -> str | None:
        """The address of a name or an address as this host knows it."""
        plain = name.strip("[]").rstrip(".").lower()
        return self.names.get(plain) or (plain if self.site.is_address(plain) else None)

    def own_addresses(self) -> list[str]:
        return [address for each in self.addresses.values() for address, _ in each]

    def _execute(self, argv: Sequence[str], seconds: float) -> CommandOutcome | None:
        with self._turn:
            self.ran.append(list(argv))
            if self.cut_after is not None:
                self.cut_after -= 1
                if self.cut_after < 0:
                    raise CutOffError
            if argv[0] not in TOOLS:
                raise Unmodelled(f"{self.name}: `{' '.join(argv)}` is not modelled")
            if not Path(self.path("/usr/sbin/" + argv[0])).exists():
                raise CommandFailed(f"{argv[0]}: command not found; install the package that has it")
            try:
                outcome = TOOLS[argv[0]](self, list(argv[1:]))
            except HangError as hang:
                if hang.seconds is None or hang.seconds > seconds:
                    self.clock += seconds
                    return None
                self.clock += hang.seconds
                outcome = CommandOutcome(0, "", "")
            self.site.look()
            return outcome
