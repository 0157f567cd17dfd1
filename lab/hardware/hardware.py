"""What the cloud API needs of its hardware, and the two kinds there are: real guests, and nothing."""

from collections.abc import Mapping
from typing import Protocol

from lab.hardware.machine import Machine, Nic, Portal
from lab.hardware.null import NullHardware
from lab.hardware.real import QemuHardware, bring_up
from lab.hardware.teardown import take_down
from lab.system.errors import HardwareError

__all__ = [
    "Hardware",
    "HardwareError",
    "Machine",
    "Nic",
    "NullHardware",
    "Portal",
    "QemuHardware",
    "bring_up",
    "take_down",
]


class Hardware(Protocol):
    """Machines, boot disks, images and block volumes.

    All calls are synchronous, are safe to repeat, and raise HardwareError. Instances, images and volumes are
    named by OCID. Detaching, deleting and powering off what is not there is success.
    """

    def offer_base_image(self, image_id: str) -> int:
        """Make the lab's base image known under `image_id` (call once per lab, before create_disk); bytes."""

    def create_disk(self, machine: Machine, image_id: str) -> None:
        """Make the machine's boot disk from an image offered or captured before, replacing an older disk."""

    def lay_disk(self, machine: Machine, boot_volume_id: str) -> None:
        """Make the machine's boot disk the one that was captured as `boot_volume_id`, whole and alone."""

    def delete_disk(self, instance_id: str) -> None:
        """Power the machine off and forget it: disk, console and lease."""

    def power_on(self, machine: Machine) -> None:
        """Start the machine; returns as soon as it runs. Already on is success."""

    def power_off(self, instance_id: str) -> None:
        """Cut the power at once."""

    def shut_down(self, instance_id: str, deadline_seconds: float) -> None:
        """Ask the operating system to power off; cut the power at the deadline."""

    def is_on(self, instance_id: str) -> bool:
        """Whether the machine has power (a frozen one has)."""

    def run_script(self, instance_id: str, text: str, seconds: float) -> tuple[int | None, str]:
        """Run a shell script in the machine as its agent would: exit code, and what it printed.

        No code: it had not ended after so many seconds, or the machine went away.
        """

    def freeze(self, instance_id: str) -> None:
        """Stop the processor: a hung host."""

    def thaw(self, instance_id: str) -> None:
        """Let a frozen machine go on."""

    def unplug(self, instance_id: str) -> None:
        """Cut the machine off the network, storage and metadata included."""

    def plug(self, instance_id: str) -> None:
        """Undo `unplug`."""

    def attach_nic(self, instance_id: str, nic: Nic) -> None:
        """Put a further network device into the machine: at once where it runs, and at each power on."""

    def detach_nic(self, instance_id: str, nic: Nic) -> None:
        """Take it out again. Not there is success."""

    def console(self, instance_id: str) -> str:
        """Serial console text since the disk was made; empty before the first power on."""

    def capture_image(self, instance_id: str, image_id: str) -> int:
        """Copy the boot disk as it is now into image `image_id`; bytes. The guest stands still meanwhile.

        What the guest has not synced is not in the image, as on OCI.
        """

    def delete_image(self, image_id: str) -> None:
        """Forget an image. Disks made from it must be gone."""

    def create_volume(self, volume_id: str, size_gbs: int) -> str:
        """Make an empty volume (sparse) and its iSCSI target, bound to nobody; the target's IQN."""

    def grow_volume(self, volume_id: str, size_gbs: int) -> None:
        """Make the volume larger. Refused while it is attached to a guest, whose session would be cut."""

    def clone_volumes(self, copies: Mapping[str, str]) -> dict[str, str]:
        """Make volumes with the data that their sources (by the copy's OCID) have at one moment; their IQNs.

        As after a power cut (crash-consistent), across all of them; the sources may be written meanwhile.
        """

    def delete_volume(self, volume_id: str) -> None:
        """Remove target and data. Refused while attached."""

    def attach(self, volume_id: str, instance_id: str) -> Portal:
        """Let the instance's address, and no other, log in. Refused while bound to another instance."""

    def detach(self, volume_id: str, instance_id: str) -> None:
        """Unbind the instance and cut its live sessions."""
