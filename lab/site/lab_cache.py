"""A founded lab in the cache: the cloud's records, keys, images and running guests, so that `up` is quick."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from lab.hardware.guests import Guest
from lab.hardware.image.build import base_image
from lab.hardware.image.variants.catalogue import DEBIAN
from lab.hardware.machine import Machine
from lab.hardware.snapshot import Snapshot, qemu_version
from lab.system.cache import make_once
from lab.system.paths import ROOT, RunDirectory, cache_directory

# What shapes the guests and the records about them; a change here founds anew.
_SOURCES = ("lab/api", "lab/hardware", "lab/site/baseline.py", "lab/site/ssh_access.py")
_RECORDS = ("cloud.db", "cloud.db-wal", "cloud.db-shm", "cloud.json", "oci", "ssh", "images")
_KEPT = 3


class BaselineCache:
    """The founded lab of today's sources, image and QEMU with these guests; saved or not."""

    def __init__(self, guests: str = DEBIAN) -> None:
        self.folder = cache_directory() / "founded" / guests / _key(guests)

    def exists(self) -> bool:
        """Whether it is in the cache."""
        return self.folder.is_dir()

    def make(self, run: Path, establish: Callable[[], None]) -> None:
        """Have it in the cache.

        `establish` brings the lab in `run` up, and ends with the API stopped and the guests running.
        """
        lab = RunDirectory.of(run)

        def fill(work: Path) -> None:
            establish()
            machines = machines_of(lab)
            Snapshot(machines, "", work / "guests").save(run)
            for name in _RECORDS:
                _copy(lab.root / name, work / name)
            (work / "machines.json").write_text(json.dumps([asdict(m) for m in machines]))

        make_once(self.folder, fill)
        _prune(self.folder.parent, self.folder)

    def restore(self, run: Path) -> tuple[Machine, ...]:
        """Lay the records into `run` and run the guests there (after bring_up). Their clocks are late."""
        lab = RunDirectory.of(run)
        for name in _RECORDS:
            _copy(self.folder / name, lab.root / name)
        _relocate(lab.root / "oci" / "config", lab.root)
        machines = tuple(Machine(**m) for m in json.loads((self.folder / "machines.json").read_text()))
        Snapshot(machines, "", self.folder / "guests").restore(run)
        return machines


def machines_of(lab: RunDirectory) -> tuple[Machine, ...]:
    """The machines that the lab has."""
    files = sorted(lab.guests.glob("*/machine.json"))
    ids = [json.loads(file.read_text())["instance_id"] for file in files]
    return tuple(Guest(lab, i).machine() for i in ids)


def _key(guests: str) -> str:
    digest = hashlib.sha256(f"{qemu_version()}\n{base_image(guests).key}\n".encode())
    for file in sources():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> list[Path]:
    """The files that shape the guests and their records. Raises FileNotFoundError for a missing one."""
    places = [(ROOT / name).resolve(strict=True) for name in _SOURCES]
    return [f for place in places for f in ([place] if place.is_file() else sorted(place.rglob("*.py")))]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source, target)


def _relocate(config: Path, root: Path) -> None:
    """The OCI configuration names its key by an absolute path."""
    key = root / "oci" / "key.pem"
    config.write_text(re.sub(r"^key_file=.*$", f"key_file={key}", config.read_text(), flags=re.MULTILINE))


def _prune(folder: Path, newest: Path) -> None:
    """Keep the cache from growing with every change of the sources."""
    others = [p for p in folder.iterdir() if p.is_dir() and p != newest and not p.name.startswith("unf")]
    for old in sorted(others, key=lambda p: p.stat().st_mtime)[: -(_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)
