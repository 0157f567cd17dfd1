"""Labs in the cache: the cloud's records, keys, images, volumes and running guests, so that `up` is quick.

Founded: two guests and the image of one, for each kind of guests. Built: the lab's own site on them, served
and mounted, with nfs-srv-2 standing by or without it: most drills begin so, and a first boot takes as long as
a failover.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.hardware.guests import Guest
from lab.hardware.image.build import base_image
from lab.hardware.image.variants.catalogue import DEBIAN
from lab.hardware.machine import Machine
from lab.hardware.snapshot import Snapshot, all_standing_still, qemu_version
from lab.system.cache import make_once
from lab.system.command import run as run_command
from lab.system.paths import ROOT, RunDirectory, cache_directory

# What shapes the guests and the records about them; a change here founds anew.
_FOUNDING = (
    "lab/api",
    "lab/hardware",
    "lab/site/lab_cache.py",
    "lab/site/baseline.py",
    "lab/site/ssh_access.py",
)
# What shapes a whole site: what a server boots with is rendered from the hooks, the templates and failover.
_BUILDING = ("lab", "terraform", "hooks", "templates", "failover")
_SUFFIXES = {".py", ".sh", ".service", ".tf", ".tfvars", ".j2", ".toml", ".proto", ""}
_RECORDS = ("cloud.db", "cloud.db-wal", "cloud.db-shm", "cloud.json", "oci", "ssh", "images")
_SITE_RECORDS = (*_RECORDS, "volumes", "volumes.json", "stack")
_KEPT = 3


@dataclass(frozen=True)
class LabCache:
    """One lab, whole or not there. folder: in the cache. records: names in a run directory, beside guests."""

    folder: Path
    records: tuple[str, ...]

    def exists(self) -> bool:
        """Whether it is in the cache."""
        return self.folder.is_dir()

    def make(self, run: Path, establish: Callable[[], None] = lambda: None) -> None:
        """Have it in the cache, as the lab in `run` is; there already is success.

        `establish` brings that lab up. It ends with guests that run and an API that has nothing to do; the
        guests stand still while they are copied, with their records and volumes, and then go on.
        """
        lab = RunDirectory.of(run)

        def fill(work: Path) -> None:
            establish()
            machines = machines_of(lab)
            with all_standing_still(lab, machines):
                Snapshot(machines, "", work / "guests").save(run)
                for name in self.records:
                    _copy(lab.root / name, work)
            (work / "machines.json").write_text(json.dumps([asdict(m) for m in machines]))

        make_once(self.folder, fill)
        _prune(self.folder.parent, self.folder)

    def lay(self, run: Path) -> None:
        """Copy the records into `run`: before bring_up, which serves the volumes that are there."""
        lab = RunDirectory.of(run)
        for name in self.records:
            _copy(self.folder / name, lab.root)
        _relocate(lab.root / "oci" / "config", lab.root)

    def resume(self, run: Path) -> tuple[Machine, ...]:
        """Have the guests go on in `run` (after bring_up). Their clocks are late, their iSCSI cut off."""
        machines = tuple(Machine(**m) for m in json.loads((self.folder / "machines.json").read_text()))
        Snapshot(machines, "", self.folder / "guests").restore(run)
        return machines


def founded(guests: str = DEBIAN) -> LabCache:
    """The founded lab of today's sources, image and QEMU with these guests."""
    return LabCache(_place("founded", guests, _FOUNDING), _RECORDS)


def built(guests: str = DEBIAN, standby: bool = False) -> LabCache:
    """The lab's own site of today's sources on these guests, with its standby or without one."""
    return LabCache(_place("standing-by" if standby else "built", guests, _BUILDING), _SITE_RECORDS)


def machines_of(lab: RunDirectory) -> tuple[Machine, ...]:
    """The machines that the lab has."""
    files = sorted(lab.guests.glob("*/machine.json"))
    ids = [json.loads(file.read_text())["instance_id"] for file in files]
    return tuple(Guest(lab, i).machine() for i in ids)


def _place(kind: str, guests: str, names: Iterable[str]) -> Path:
    digest = hashlib.sha256(f"{qemu_version()}\n{base_image(guests).key}\n".encode())
    for file in sources(names):
        digest.update(f"{file.relative_to(ROOT)}\n".encode())
        digest.update(file.read_bytes())
    return cache_directory() / kind / guests / digest.hexdigest()[:16]


def sources(names: Iterable[str]) -> list[Path]:
    """These files, and the sources in these folders. Raises FileNotFoundError for a missing one.

    Of a folder: what Git would have there, and what is rendered; no bytecode, no Terraform state.
    """
    places = [(ROOT / name).resolve(strict=True) for name in names]
    return [f for place in places for f in ([place] if place.is_file() else sorted(_below(place)))]


def _below(folder: Path) -> Iterable[Path]:
    """The sources below a folder."""
    for file in folder.rglob("*"):
        parts = file.relative_to(folder).parts
        made = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if file.is_file() and not made and file.suffix in _SUFFIXES:
            yield file


def _copy(source: Path, folder: Path) -> None:
    """Copy a file or a folder with what is in it; volumes keep their holes. Not there is nothing to copy."""
    if source.exists():
        run_command(["cp", "--archive", "--reflink=auto", "--sparse=always", source, folder])


def _relocate(config: Path, root: Path) -> None:
    """The OCI configuration names its key by an absolute path."""
    key = root / "oci" / "key.pem"
    config.write_text(re.sub(r"^key_file=.*$", f"key_file={key}", config.read_text(), flags=re.MULTILINE))


def _prune(folder: Path, newest: Path) -> None:
    """Keep the cache from growing with every change of the sources."""
    others = [p for p in folder.iterdir() if p.is_dir() and p != newest and not p.name.startswith("unf")]
    for old in sorted(others, key=lambda p: p.stat().st_mtime)[: -(_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)
