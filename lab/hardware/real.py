"""Real hardware: guests, boot disks, network and volumes of one lab put together."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.hardware import images, network, nics
from lab.hardware.dns import NameService
from lab.hardware.guests import Guest
from lab.hardware.image import build
from lab.hardware.machine import Machine, Nic, Portal
from lab.hardware.volumes import VolumeService
from lab.system.command import run as run_command
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory


def bring_up(run: Path) -> None:
    """Have the network, the resolver and the volume service of the lab in `run`. Twice is success.

    Packages and base image must be there (lab.system.packages, lab.hardware.image.build);
    this takes well under a second.
    """
    lab = RunDirectory.of(run)
    lab.root.mkdir(parents=True, exist_ok=True)
    network.up(lab)
    NameService(lab).up()
    VolumeService(lab).up()


class QemuHardware:
    """hardware.Hardware on real guests. Everything it knows is in `run`, so any process may make one."""

    def __init__(self, run: Path) -> None:
        self._lab = RunDirectory.of(run)
        self._names = NameService(self._lab)
        self._storage = VolumeService(self._lab)

    def offer_base_image(self, image_id: str) -> int:
        if not self._lab.base.exists():
            build.ensure()
        return images.offer_base(self._lab, image_id)

    def create_disk(self, machine: Machine, image_id: str) -> None:
        """Make the machine's boot disk of the image. Raises HardwareError while the machine runs."""
        guest = self._guest(machine.instance_id)
        if guest.pid():
            raise HardwareError(f"{machine.name} is running: power it off before its disk is made anew")
        guest.define(machine)
        guest.console_file.unlink(missing_ok=True)
        images.make_disk(self._lab, image_id, guest.disk)

    def lay_disk(self, machine: Machine, boot_volume_id: str) -> None:
        """A copy of the captured file, so that an image of this machine does not lie on that file.

        Raises HardwareError while the machine runs.
        """
        guest = self._guest(machine.instance_id)
        if guest.pid():
            raise HardwareError(f"{machine.name} is running: power it off before its disk is made anew")
        guest.define(machine)
        guest.console_file.unlink(missing_ok=True)
        captured = images.find(self._lab, boot_volume_id)
        run_command(["cp", "--reflink=auto", "--sparse=always", captured, guest.disk])

    def delete_disk(self, instance_id: str) -> None:
        guest = self._guest(instance_id)
        guest.kill()
        self._names.remove(instance_id)
        if guest.folder.exists():
            shutil.rmtree(guest.folder)

    def power_on(self, machine: Machine) -> None:
        guest = self._guest(machine.instance_id)
        if guest.pid():
            return
        guest.define(machine)
        self._names.add(machine)
        guest.start()

    def power_off(self, instance_id: str) -> None:
        self._guest(instance_id).kill()

    def shut_down(self, instance_id: str, deadline_seconds: float) -> None:
        guest = self._guest(instance_id)
        guest.shut_down(deadline_seconds)
        guest.kill()

    def is_on(self, instance_id: str) -> bool:
        return self._guest(instance_id).pid() is not None

    def run_script(self, instance_id: str, text: str, seconds: float) -> tuple[int | None, str]:
        """Over the lab's own SSH to its guests, as their login. ssh(1) ends with 255 where it is cut off."""
        self._require_on(instance_id, "a command")
        address = self._guest(instance_id).machine().address
        ssh: list[str | Path] = ["ssh", "-F", self._lab.root / "ssh" / "config", address, "sh", "-s"]
        try:
            done = run_command(ssh, tolerated=tuple(range(255)), deadline_seconds=seconds, stdin=text)
        except HardwareError:
            return None, ""
        return done.returncode, done.stdout

    def freeze(self, instance_id: str) -> None:
        self._guest(instance_id).ask("stop")

    def thaw(self, instance_id: str) -> None:
        self._guest(instance_id).ask("cont")

    def unplug(self, instance_id: str) -> None:
        self._require_on(instance_id, "unplug")
        for tap in self._guest(instance_id).taps().values():
            network.unplug(self._lab, tap)

    def plug(self, instance_id: str) -> None:
        self._require_on(instance_id, "plug")
        for number, tap in self._guest(instance_id).taps().items():
            network.plug(self._lab, tap, number)

    def attach_nic(self, instance_id: str, nic: Nic) -> None:
        """Plug it in. Raises HardwareError for a machine that is not defined."""
        guest = self._guest(instance_id)
        guest.machine()
        nics.attach(guest, nic)

    def detach_nic(self, instance_id: str, nic: Nic) -> None:
        nics.detach(self._guest(instance_id), nic)

    def console(self, instance_id: str) -> str:
        return self._guest(instance_id).console()

    def capture_image(self, instance_id: str, image_id: str) -> int:
        guest = self._guest(instance_id)
        guest.machine()
        self._lab.images.mkdir(parents=True, exist_ok=True)
        target = self._lab.images / f"{image_id}.qcow2"
        with guest.standing_still():
            return images.copy(guest.disk, target)

    def delete_image(self, image_id: str) -> None:
        for kind in ("qcow2", "raw"):
            (self._lab.images / f"{image_id}.{kind}").unlink(missing_ok=True)

    def create_volume(self, volume_id: str, size_gbs: int) -> str:
        return self._storage.create(volume_id, size_gbs)

    def grow_volume(self, volume_id: str, size_gbs: int) -> None:
        self._storage.grow(volume_id, size_gbs)

    def clone_volumes(self, copies: Mapping[str, str]) -> dict[str, str]:
        return self._storage.clone(copies)

    def delete_volume(self, volume_id: str) -> None:
        self._storage.delete(volume_id)

    def attach(self, volume_id: str, instance_id: str) -> Portal:
        address = self._guest(instance_id).machine().address
        return self._storage.attach(volume_id, instance_id, address)

    def detach(self, volume_id: str, instance_id: str) -> None:
        self._storage.detach(volume_id, instance_id)

    def _guest(self, instance_id: str) -> Guest:
        return Guest(self._lab, instance_id)

    def _require_on(self, instance_id: str, act: str) -> None:
        if not self.is_on(instance_id):
            raise HardwareError(f"instance {instance_id} is off: {act} needs a running machine")
