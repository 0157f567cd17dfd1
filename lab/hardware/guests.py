"""Guests: one QEMU process per running machine, its boot disk, its console, its monitor."""

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.hardware import network, qmp
from lab.hardware.image.build import BaseImage
from lab.hardware.images import pin_base
from lab.hardware.machine import Machine, Nic
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory
from lab.system.processes import kill, pid_of
from lab.system.waiting import until

# what OCI's machines have in their firmware; cloud-init's Oracle data source looks for it
ASSET_TAG = "OracleCloud.com"
# norandmaps: TCG translates a library anew for each address that a process has it at; with one address for
# all, a fork with an exec takes a quarter of the time (docs/adr/0009)
KERNEL_WORDS = (
    "console=ttyS0 root=/dev/vda rw quiet mitigations=off nokaslr norandmaps panic=-1 net.ifnames=0"
)


@dataclass(frozen=True)
class Guest:
    """One machine's files and process; it exists once `define` has been called for it."""

    lab: RunDirectory
    instance_id: str

    @property
    def folder(self) -> Path:
        return self.lab.guest(self.instance_id)

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def console_file(self) -> Path:
        return self.folder / "console.log"

    @property
    def monitor(self) -> Path:
        return self.folder / "qmp.sock"

    def define(self, machine: Machine) -> None:
        """Write down what the machine is, for the processes that come later."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / "machine.json.new"
        temporary.write_text(json.dumps(asdict(machine), indent=1))
        temporary.rename(self.folder / "machine.json")

    def machine(self) -> Machine:
        """What `define` wrote. Raises HardwareError if there is no such machine."""
        try:
            return Machine(**json.loads((self.folder / "machine.json").read_text()))
        except FileNotFoundError as error:
            raise HardwareError(
                f"no machine {self.instance_id} in {self.lab.guests}: create its disk"
            ) from error

    def nics(self) -> tuple[Nic, ...]:
        """Its network devices beside the first."""
        file = self.folder / "nics.json"
        return tuple(Nic(**one) for one in json.loads(file.read_text())) if file.exists() else ()

    def keep_nics(self, nics: Iterable[Nic]) -> None:
        """Write down its further network devices, for each power on."""
        temporary = self.folder / "nics.json.new"
        temporary.write_text(json.dumps([asdict(one) for one in nics], indent=1))
        temporary.rename(self.folder / "nics.json")

    def make_tap(self, nic: Nic) -> str:
        """Make the tap of a further network device, and its subnet's bridge where it is the first there."""
        network.add_subnet(self.lab, nic.network, nic.router)
        return network.make_tap(self.lab, self.instance_id, nic.network)

    def taps(self) -> dict[int, str]:
        """The names of its taps by their subnets' numbers, whether or not they are there."""
        return {n: network.tap_name(self.instance_id, n) for n in (0, *(nic.network for nic in self.nics()))}

    def pid(self) -> int | None:
        """QEMU's pid, None when the machine is off."""
        return pid_of(self.folder / "pid", str(self.disk))

    def start(self, *, snapshot: str | None = None) -> None:
        """Start QEMU, from power on or from a snapshot inside the disk; returns when its processor runs.

        Raises HardwareError without a boot disk.
        """
        if self.pid():
            return
        machine = self.machine()
        if not self.disk.exists():
            raise HardwareError(f"{machine.name} has no boot disk {self.disk}: create it first")
        self.monitor.unlink(missing_ok=True)
        (self.folder / "pid").unlink(missing_ok=True)
        tap = network.make_tap(self.lab, self.instance_id)
        argv = [*network.inside(self.lab), *qemu_arguments(machine, pin_base(self.lab))]
        argv += place_arguments(self.folder, tap)
        for nic in self.nics():
            argv += nic_arguments(nic, self.make_tap(nic))
        if snapshot:
            argv += ["-loadvm", snapshot]
        run(argv, cwd=self.folder)

    def kill(self) -> None:
        """Power lost. The tap goes with the machine."""
        kill(self.pid())
        if network.exists(self.lab):
            for tap in self.taps().values():
                network.remove_tap(self.lab, tap)

    def shut_down(self, deadline_seconds: float) -> bool:
        """Press the power button and wait; whether the guest went off by itself in time."""
        if self.pid():
            self.ask("system_powerdown")
        return until(lambda: self.pid() is None, deadline_seconds, 0.1)

    def ask(self, command: str) -> None:
        """Give QEMU one command without arguments. Raises HardwareError when the machine is off."""
        if not self.pid():
            raise HardwareError(f"{self.machine().name} is off: {command} needs a running machine")
        qmp.ask(self.monitor, command)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop the processor meanwhile, if it runs; what the guest has written is then in the disk's file."""
        runs = self.pid() is not None and bool(qmp.ask(self.monitor, "query-status")["running"])
        if runs:
            self.ask("stop")
        try:
            yield
        finally:
            if runs:
                self.ask("cont")

    def console(self) -> str:
        """All that the guest wrote to its serial port."""
        try:
            return self.console_file.read_text(errors="replace")
        except FileNotFoundError:
            return ""


def qemu_arguments(machine: Machine, image: BaseImage) -> list[str]:
    """QEMU's arguments that make the machine what it is: a snapshot fits only the same ones.

    TCG, since hardware virtualisation is not relied on. One processor: with two, the same work takes up to
    half as much again (locks, emulated atomic operations), and the machine has other guests to run. Another
    processor model is no quicker. Started from an unpacked kernel, without a firmware's boot menu.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, machine.instance_id)
    words = image.variant.kernel_words.split()
    return [
        "qemu-system-x86_64",
        *("-name", machine.name, "-uuid", str(identity), "-smbios", f"type=3,asset={ASSET_TAG}"),
        *("-accel", "tcg,thread=multi,tb-size=256", "-M", "pc", "-cpu", "qemu64", "-smp", "1"),
        *("-m", str(machine.memory_mb), "-nodefaults", "-display", "none", "-vga", "none"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        *("-append", " ".join((KERNEL_WORDS, *words, f"systemd.machine_id={identity.hex}"))),
        *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"),
        *("-device", f"virtio-net-pci,netdev=net,mac={machine.mac},romfile="),
    ]


def nic_arguments(nic: Nic, tap: str) -> list[str]:
    """QEMU's arguments for a further network device."""
    name = nic_name(nic)
    return [
        *("-netdev", f"tap,id=net-{name},ifname={tap},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,id={name},netdev=net-{name},mac={nic.mac},romfile="),
    ]


def nic_name(nic: Nic) -> str:
    """What QEMU calls the device."""
    return f"nic{nic.network}"


def place_arguments(folder: Path, tap: str) -> list[str]:
    """QEMU's arguments that say where this lab keeps the machine. The socket's path is kept short on purpose:
    it is relative to the folder QEMU starts in."""
    return [
        *("-drive", f"file={folder / 'disk.qcow2'},if=none,id=disk,cache=unsafe,discard=unmap"),
        *("-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no"),
        *(
            "-chardev",
            f"file,id=console,path={folder / 'console.log'},append=on",
            "-serial",
            "chardev:console",
        ),
        *("-qmp", "unix:qmp.sock,server=on,wait=off"),
        *("-daemonize", "-pidfile", str(folder / "pid")),
    ]
