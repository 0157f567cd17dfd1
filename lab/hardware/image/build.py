"""Builds the guests' base image once and keeps it in the cache, named after all that went into it."""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.hardware.image.kernel import pack_initrd, unpack_kernel
from lab.hardware.image.recipe import HERE, Recipe, recipe
from lab.system.cache import make_once
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import cache_directory

DISK_BYTES = 4 * 2**30
BUILD_SECONDS = 900
Argv = list[str | Path]


@dataclass(frozen=True)
class BaseImage:
    """A finished image in the cache: root disk (raw ext4), kernel, initrd."""

    folder: Path

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def disk(self) -> Path:
        return self.folder / "root.ext4"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"


def base_image() -> BaseImage:
    """The image of this tree's recipe. Raises HardwareError if it has not been built."""
    image = BaseImage(cache_directory() / "base" / recipe().key)
    if not image.folder.is_dir():
        raise HardwareError(
            f"no base image in {image.folder}: run python -m lab.hardware.image.build as root"
        )
    return image


def ensure() -> BaseImage:
    """Build the image unless it is there. One build at a time per cache; a killed build leaves no image.

    Raises HardwareError without root.
    """
    wanted = recipe()
    image = BaseImage(cache_directory() / "base" / wanted.key)
    if image.folder.is_dir():
        return image
    if os.geteuid() != 0:
        raise HardwareError(
            "building the guests' image needs root: run python -m lab.hardware.image.build as root"
        )
    make_once(image.folder, lambda work: _build(wanted, work))
    return image


def _build(wanted: Recipe, work: Path) -> None:
    scratch = work / "scratch"
    scratch.mkdir()
    root = scratch / "root"
    _root_filesystem(wanted, root, scratch)
    _disk(root, work / "root.ext4")
    (bzimage,) = (root / "boot").glob("vmlinuz-*")
    unpack_kernel(bzimage, work / "vmlinux")
    pack_initrd(root, work / "initrd", scratch / "initrd")
    facts = {"suite": wanted.suite, "packages": wanted.packages.split(","), "kernel": bzimage.name}
    (work / "image.json").write_text(json.dumps(facts, indent=1))
    shutil.rmtree(scratch)


def _root_filesystem(wanted: Recipe, root: Path, scratch: Path) -> None:
    # the machine's own way to its mirror (proxy, checks), without naming it
    acquire = run(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire"]).stdout
    (scratch / "apt.conf").write_text(acquire)
    apart: Argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script: Argv = ["bash", HERE / "rootfs.sh", root, wanted.suite, wanted.sources, scratch / "apt.conf"]
    run([*apart, *script, wanted.packages, HERE / "root"], deadline_seconds=BUILD_SECONDS)


def _disk(root: Path, disk: Path) -> None:
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-m", "0", "-E", "lazy_itable_init=1", "-d", root, disk])


if __name__ == "__main__":
    started = time.monotonic()
    try:
        built = ensure()
    except HardwareError as error:
        sys.exit(str(error))
    print(f"{built.folder} ({time.monotonic() - started:.1f} s)")
