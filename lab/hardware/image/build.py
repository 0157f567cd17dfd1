"""Builds the guests' base image once and keeps it in the cache, named after all that went into it."""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.hardware.image.kernel import pack_initrd, unpack_kernel
from lab.hardware.image.recipe import HERE, VARIANTS, Recipe, recipe, variant_key
from lab.hardware.image.variants.catalogue import DEBIAN, Variant, variant
from lab.system.cache import make_once
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import cache_directory

DISK_BYTES = 4 * 2**30
BUILD_SECONDS = 900
_COMMAND = "python -m lab.hardware.image.build"
Argv = list[str | Path]
_TAR = ("tar", "--numeric-owner", "--xattrs", "--xattrs-include=*")


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

    @property
    def tar(self) -> Path:
        """The root filesystem as an archive, for the variants that are laid over it."""
        return self.folder / "root.tar"

    @property
    def variant(self) -> Variant:
        """Which guests these are."""
        return variant(json.loads((self.folder / "image.json").read_text())["variant"])


def base_image(name: str = DEBIAN) -> BaseImage:
    """The image of this tree's recipe for these guests. Raises HardwareError if it has not been built."""
    image = _place(name)
    if not image.folder.is_dir():
        raise HardwareError(f"no image of {name} guests in {image.folder}: run {_COMMAND} {name} as root")
    return image


def ensure(name: str = DEBIAN) -> BaseImage:
    """Build the image unless it is there. One build at a time per cache; a killed build leaves no image.

    Raises HardwareError without root, or for guests that nobody knows.
    """
    image = _place(name)
    if image.folder.is_dir():
        return image
    if os.geteuid() != 0:
        raise HardwareError(f"building the guests' image needs root: run {_COMMAND} {name} as root")
    if name == DEBIAN:
        make_once(image.folder, lambda work: _build(recipe(), work))
    else:
        base = ensure()
        make_once(image.folder, lambda work: _lay_over(base, variant(name), work))
    return image


def _place(name: str) -> BaseImage:
    key = recipe().key if name == DEBIAN else variant_key(recipe(), variant(name))
    return BaseImage(cache_directory() / "base" / key)


def _build(wanted: Recipe, work: Path) -> None:
    scratch = work / "scratch"
    scratch.mkdir()
    root = scratch / "root"
    script: Argv = [HERE / "rootfs.sh", root, wanted.suite, wanted.sources, _apt_conf(scratch)]
    _run_apart([*script, wanted.packages, HERE / "root"])
    _disk(root, work / "root.ext4")
    run([*_TAR, "--create", "--file", work / "root.tar", "--directory", root, "."], deadline_seconds=300)
    (bzimage,) = (root / "boot").glob("vmlinuz-*")
    unpack_kernel(bzimage, work / "vmlinux")
    pack_initrd(root, work / "initrd", scratch / "initrd")
    facts = {"suite": wanted.suite, "packages": wanted.packages.split(","), "kernel": bzimage.name}
    (work / "image.json").write_text(json.dumps({"variant": DEBIAN, **facts}, indent=1))
    shutil.rmtree(scratch)


def _lay_over(base: BaseImage, wanted: Variant, work: Path) -> None:
    """The variant's disk; kernel and initrd are the base's own, which no variant changes."""
    scratch = work / "scratch"
    scratch.mkdir()
    root = scratch / "root"
    script: Argv = [VARIANTS / "lay.sh", root, base.tar, _apt_conf(scratch), " ".join(wanted.packages)]
    _run_apart([*script, *(VARIANTS / layer for layer in wanted.layers)])
    _disk(root, work / "root.ext4")
    for file in (base.kernel, base.initrd):
        os.link(file, work / file.name)
    facts = {"variant": wanted.name, "base": base.key, "packages": wanted.packages}
    (work / "image.json").write_text(json.dumps(facts, indent=1))
    shutil.rmtree(scratch)


def _apt_conf(scratch: Path) -> Path:
    # the machine's own way to its mirror (proxy, checks), without naming it
    acquire = run(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire"]).stdout
    (scratch / "apt.conf").write_text(acquire)
    return scratch / "apt.conf"


def _run_apart(script: Argv) -> None:
    unshare: Argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    # Where this tool's own bytecode goes is no place in an image: packages leave theirs beside their sources,
    # or each guest compiles cloud-init in its first boot.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run([*unshare, "bash", *script], deadline_seconds=BUILD_SECONDS, env=environment)


def _disk(root: Path, disk: Path) -> None:
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    run(
        ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-m", "0", "-E", "lazy_itable_init=1", "-d", root, disk],
        deadline_seconds=120,
    )


if __name__ == "__main__":
    started = time.monotonic()
    try:
        built = ensure(*sys.argv[1:2])
    except HardwareError as error:
        sys.exit(str(error))
    print(f"{built.folder} ({time.monotonic() - started:.1f} s)")
