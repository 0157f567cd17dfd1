"""Hardware with no machine behind it, for tests of the cloud API alone."""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Mapping

from lab.hardware.machine import Machine, Nic, Portal
from lab.system.errors import HardwareError

# what a guarded copy says (hooks/guard/script.py); every boot volume that is cloned here is taken for guarded
COPY_BOOTED = (
    "nfs-failover guard: settled: a copy of a server; put off in fstab: 1\n",
    "nfs-failover guard: this copy has booted\n",
)


class NullHardware:
    """Hardware with no machine behind it, everything works at once; gone with the process."""

    def __init__(self) -> None:
        self._disks: dict[str, Machine] = {}
        self._on: set[str] = set()
        self._consoles: dict[str, str] = {}
        self._images: set[str] = set()
        self._iqns: dict[str, str] = {}
        self._bound: dict[str, str] = {}
        self._attaches = 0

    def offer_base_image(self, image_id: str) -> int:
        self._images.add(image_id)
        return 2 * 2**30

    def create_disk(self, machine: Machine, image_id: str) -> None:
        _require(self._images, image_id, "image")
        self._disks[machine.instance_id] = machine
        self._consoles.pop(machine.instance_id, None)

    def lay_disk(self, machine: Machine, boot_volume_id: str) -> None:
        _require(self._images, boot_volume_id, "boot volume")
        self._disks[machine.instance_id] = machine
        self._consoles[machine.instance_id] = invented_console(machine) + "".join(COPY_BOOTED)

    def delete_disk(self, instance_id: str) -> None:
        self.power_off(instance_id)
        self._disks.pop(instance_id, None)
        self._consoles.pop(instance_id, None)

    def power_on(self, machine: Machine) -> None:
        _require(self._disks, machine.instance_id, "boot disk of instance")
        self._on.add(machine.instance_id)
        self._consoles.setdefault(machine.instance_id, invented_console(machine))

    def power_off(self, instance_id: str) -> None:
        self._on.discard(instance_id)

    def shut_down(self, instance_id: str, deadline_seconds: float) -> None:
        self.power_off(instance_id)

    def run_script(self, instance_id: str, text: str, seconds: float) -> tuple[int | None, str]:
        """No machine runs it: a line `exit N` is its code, `sleep N` lasts, and it prints itself."""
        _require(self._on, instance_id, "running instance")
        numbers = dict(re.findall(r"^(exit|sleep) (\d+)$", text, re.MULTILINE))
        time.sleep(min(float(numbers.get("sleep", 0)), seconds))
        code = None if float(numbers.get("sleep", 0)) > seconds else int(numbers.get("exit", 0))
        return code, f"{text}\n{len(text)} characters"

    def is_on(self, instance_id: str) -> bool:
        return instance_id in self._on

    def freeze(self, instance_id: str) -> None:
        _require(self._on, instance_id, "running instance")

    def thaw(self, instance_id: str) -> None:
        _require(self._on, instance_id, "running instance")

    def unplug(self, instance_id: str) -> None:
        _require(self._on, instance_id, "running instance")

    def plug(self, instance_id: str) -> None:
        _require(self._on, instance_id, "running instance")

    def attach_nic(self, instance_id: str, nic: Nic) -> None:
        _require(self._disks, instance_id, "boot disk of instance")

    def detach_nic(self, instance_id: str, nic: Nic) -> None:
        """Nothing is plugged in here."""

    def console(self, instance_id: str) -> str:
        return self._consoles.get(instance_id, "")

    def capture_image(self, instance_id: str, image_id: str) -> int:
        _require(self._disks, instance_id, "boot disk of instance")
        self._images.add(image_id)
        return 2 * 2**30

    def delete_image(self, image_id: str) -> None:
        self._images.discard(image_id)

    def create_volume(self, volume_id: str, size_gbs: int) -> str:
        fresh = f"iqn.2015-12.com.oracleiaas:{uuid.uuid4()}"
        return self._iqns.setdefault(volume_id, fresh)

    def grow_volume(self, volume_id: str, size_gbs: int) -> None:
        _require(self._iqns, volume_id, "volume")

    def clone_volumes(self, copies: Mapping[str, str]) -> dict[str, str]:
        for source in copies.values():
            _require(self._iqns, source, "volume")
        return {copy: self.create_volume(copy, 0) for copy in copies}

    def delete_volume(self, volume_id: str) -> None:
        """Forget the volume. Raises HardwareError while it is attached."""
        if volume_id in self._bound:
            raise HardwareError(
                f"volume {volume_id} is attached to {self._bound[volume_id]}: detach it first"
            )
        self._iqns.pop(volume_id, None)

    def attach(self, volume_id: str, instance_id: str) -> Portal:
        """Note who holds the volume. Raises HardwareError when another one does."""
        _require(self._iqns, volume_id, "volume")
        holder = self._bound.setdefault(volume_id, instance_id)
        if holder != instance_id:
            raise HardwareError(f"volume {volume_id} is attached to {holder}: detach it first")
        self._attaches += 1
        return Portal(self._iqns[volume_id], f"169.254.2.{2 + self._attaches % 8}")

    def detach(self, volume_id: str, instance_id: str) -> None:
        if self._bound.get(volume_id) == instance_id:
            del self._bound[volume_id]


def _require(known: set[str] | dict[str, Machine] | dict[str, str], name: str, kind: str) -> None:
    if name not in known:
        raise HardwareError(f"no {kind} {name}: known are {', '.join(sorted(known)) or 'none'}")


def invented_console(machine: Machine) -> str:
    """Console text in the form cloud-init prints host keys, with a key that only looks like one."""
    seed = hashlib.sha256(machine.instance_id.encode()).digest()
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + seed
    key = f"ssh-ed25519 {base64.b64encode(blob).decode()} root@{machine.hostname}"
    return f"-----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n"
