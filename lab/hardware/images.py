"""Boot disks and the images they are made from: thin qcow2 layers over the base image."""

import json
from pathlib import Path

from lab.hardware.image.build import BaseImage, base_image
from lab.hardware.image.variants.catalogue import DEBIAN
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory


def pin_base(lab: RunDirectory, name: str = DEBIAN) -> BaseImage:
    """The base image of this lab: today's for a new lab, and the same for as long as the lab lives.

    A disk needs the very image below it and the kernel that fits, also when the recipe has changed since.
    `name`: which guests a new lab has; one that is pinned keeps its own. Raises HardwareError unless built.
    """
    if not lab.base.exists():
        lab.base.unlink(missing_ok=True)
        lab.base.parent.mkdir(parents=True, exist_ok=True)
        lab.base.symlink_to(base_image(name).folder)
    return BaseImage(lab.base.resolve())


def offer_base(lab: RunDirectory, image_id: str) -> int:
    """Make the base image known as `image_id`; the bytes it takes."""
    disk = pin_base(lab).disk
    lab.images.mkdir(parents=True, exist_ok=True)
    link = lab.images / f"{image_id}.raw"
    link.unlink(missing_ok=True)
    link.symlink_to(disk)
    return disk.stat().st_blocks * 512


def find(lab: RunDirectory, image_id: str) -> Path:
    """The image's file. Raises HardwareError if it was neither offered nor captured."""
    for path in (lab.images / f"{image_id}.qcow2", lab.images / f"{image_id}.raw"):
        if path.exists():
            return path.resolve()
    raise HardwareError(f"no image {image_id} in {lab.images}: offer the base image or capture one")


def make_disk(lab: RunDirectory, image_id: str, disk: Path) -> None:
    """Make `disk` an empty layer over the image."""
    image = find(lab, image_id)
    layer(disk, image)


def layer(disk: Path, below: Path) -> None:
    """Make `disk` an empty qcow2 layer over the file `below`."""
    kind = "qcow2" if below.suffix == ".qcow2" else "raw"
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", kind, disk])


def lay_on(disk: Path, below: Path) -> None:
    """Have a disk that was copied lie on `below`, which is what it lay on, in its new place."""
    kind = "qcow2" if below.suffix == ".qcow2" else "raw"
    run(["qemu-img", "rebase", "-q", "-u", "-b", below, "-F", kind, disk])


def copy(disk: Path, target: Path) -> int:
    """Copy a disk's own layer, without the snapshots inside it, over the same lower image; bytes.

    A running machine must stand still meanwhile. A half-made copy never bears the target's name.
    """
    below = backing_file(disk)
    kind = "qcow2" if below.suffix == ".qcow2" else "raw"
    temporary = target.with_name(target.name + ".part")
    # -U: QEMU holds the disk's lock; stopped, it has written everything that its guest had
    source: list[str | Path] = ["-U", "-f", "qcow2", "-O", "qcow2", "-W", "-B", below, "-F", kind, disk]
    run(["qemu-img", "convert", *source, temporary], deadline_seconds=120)
    temporary.rename(target)
    return target.stat().st_blocks * 512


def backing_file(disk: Path) -> Path:
    """The file below a qcow2 disk."""
    info = json.loads(run(["qemu-img", "info", "-U", "--output=json", disk]).stdout)
    return Path(info["full-backing-filename"])
