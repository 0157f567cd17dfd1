"""Running guests, memory and disk, kept in the cache: a restore takes seconds, a boot a minute."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.hardware import images, qmp
from lab.hardware.dns import NameService
from lab.hardware.guests import Guest, qemu_arguments
from lab.hardware.image.build import BaseImage, base_image
from lab.hardware.machine import Machine
from lab.system.cache import make_once
from lab.system.command import run as run_command
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory, cache_directory, short_name

NAME = "ready"


@dataclass(frozen=True)
class Snapshot:
    """A set of machines in the state that `about` describes.

    `about` is whatever else their state depends on (the SSH key and user data they booted with ...): a
    snapshot is found again only for the same machines, image, QEMU and `about`.
    """

    machines: tuple[Machine, ...]
    about: str
    folder: Path

    def exists(self) -> bool:
        """Whether it has been saved."""
        return self.folder.is_dir()

    def save(self, run: Path) -> None:
        """Keep the machines as they run now in `run`; they stand still meanwhile and then go on.

        They must lie on the base image or on one that their lab has. Have them write back and drop their
        caches first (`sync; echo 3 > /proc/sys/vm/drop_caches`): that halves it. Saved already is success.
        """
        lab = RunDirectory.of(run)

        def fill(work: Path) -> None:
            with all_standing_still(lab, self.machines), ThreadPoolExecutor() as pool:
                list(pool.map(lambda machine: _save(lab, machine, work), self.machines))
            (work / "snapshot.json").write_text(json.dumps([asdict(one) for one in self.machines], indent=1))

        make_once(self.folder, fill)

    def restore(self, run: Path) -> None:
        """Have the machines run in `run` (after bring_up) as they were saved; older ones there are replaced.

        Their clocks stand where they were: call `set_clock` for each. Raises HardwareError if not saved.
        """
        if not self.exists():
            raise HardwareError(f"no snapshot {self.folder}: boot the guests and save them first")
        lab = RunDirectory.of(run)
        pinned = images.pin_base(lab)
        if pinned != base_image(pinned.variant.name):
            raise HardwareError(f"the lab in {run} runs on {lab.base.resolve()}: take it down first")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda machine: _restore(lab, machine, self.folder), self.machines))


def snapshot(machines: Sequence[Machine], about: str = "") -> Snapshot:
    """The snapshot of these machines with today's image and QEMU, saved or not."""
    image = base_image()
    ingredients = [qemu_version(), image.key, about, [_ingredients(one, image) for one in machines]]
    key = hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:16]
    return Snapshot(tuple(machines), about, cache_directory() / "snapshots" / key)


@contextmanager
def all_standing_still(lab: RunDirectory, machines: Sequence[Machine]) -> Iterator[None]:
    """Stop all processors meanwhile: of two that talk to each other, none is ahead of the other's copy."""
    with ExitStack() as stack:
        for machine in machines:
            stack.enter_context(Guest(lab, machine.instance_id).standing_still())
        yield


def set_clock(execute: Callable[[list[str]], object]) -> None:
    """Set a restored guest's clock; `execute` runs an argv on it as a user who may use sudo."""
    execute(["sudo", "date", "--utc", "--set", f"@{time.time():.3f}"])


def _ingredients(machine: Machine, image: BaseImage) -> list[object]:
    return [asdict(machine), qemu_arguments(machine, image)]


def qemu_version() -> str:
    return run_command(["qemu-system-x86_64", "--version"]).stdout.splitlines()[0]


def _save(lab: RunDirectory, machine: Machine, work: Path) -> None:
    guest = Guest(lab, machine.instance_id)
    if not guest.pid():
        raise HardwareError(f"{machine.name} is off: only a running machine can be saved")
    below = images.backing_file(guest.disk)
    if below != images.pin_base(lab).disk and below.parent != lab.images:
        raise HardwareError(f"{machine.name} cannot be saved: {below}, which it lies on, is not its lab's")
    name = short_name(machine.instance_id)
    qmp.monitor(guest.monitor, f"savevm {NAME}")
    _copy(guest.disk, work / f"{name}.qcow2")
    qmp.monitor(guest.monitor, f"delvm {NAME}")
    shutil.copy(guest.console_file, work / f"{name}.console")


def _restore(lab: RunDirectory, machine: Machine, folder: Path) -> None:
    guest = Guest(lab, machine.instance_id)
    guest.kill()
    guest.define(machine)
    name = short_name(machine.instance_id)
    _copy(folder / f"{name}.qcow2", guest.disk)
    below = images.backing_file(guest.disk)
    if below != images.pin_base(lab).disk:  # it names the image of the lab that was saved
        images.lay_on(guest.disk, lab.images / below.name)
    shutil.copy(folder / f"{name}.console", guest.console_file)
    NameService(lab).add(machine)
    guest.start(snapshot=NAME)


def _copy(source: Path, target: Path) -> None:
    run_command(["cp", "--reflink=auto", "--sparse=always", source, target])
