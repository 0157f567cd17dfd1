"""Where a lab keeps its things: the run directory of one lab, and the cache that all labs share."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the checkout
GUEST = ROOT / "lab" / "guest"  # what runs in the guests


def cache_directory() -> Path:
    """Images and snapshots, shared by all labs: $NFS_FAILOVER_CACHE or ~/.cache/nfs-failover."""
    given = os.environ.get("NFS_FAILOVER_CACHE")
    # resolved: disks name the layer below them, and two spellings of one path would be two images
    return Path(os.path.realpath(given or Path.home() / ".cache" / "nfs-failover"))


def lab_id(run: Path) -> str:
    """The lab's name, and its network namespace's: the same for every spelling of one directory."""
    return "nfsfo-" + hashlib.sha256(os.path.realpath(run).encode()).hexdigest()[:8]


def short_name(ocid: str) -> str:
    """A name for `ocid` short enough for socket paths (108 bytes) and interfaces (15 characters)."""
    return hashlib.sha256(ocid.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class RunDirectory:
    """The files of one lab's hardware. Paths are absolute; use `of` to make one."""

    root: Path

    @classmethod
    def of(cls, run: Path) -> "RunDirectory":
        return cls(Path(os.path.realpath(run)))

    @property
    def namespace(self) -> str:
        return lab_id(self.root)

    @property
    def guests(self) -> Path:
        return self.root / "guests"

    def guest(self, instance_id: str) -> Path:
        return self.guests / short_name(instance_id)

    @property
    def base(self) -> Path:
        """Leads to the base image in the cache that this lab began with."""
        return self.root / "base"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def volume_records(self) -> Path:
        return self.root / "volumes.json"

    @property
    def dns(self) -> Path:
        return self.root / "dns"

    @property
    def stacks(self) -> Path:
        """Resource Manager's stacks: their zips and states."""
        return self.root / "stacks"

    @property
    def jobs(self) -> Path:
        """Resource Manager's jobs: where Terraform runs, one folder each."""
        return self.root / "jobs"

    @property
    def tgtd(self) -> Path:
        return self.root / "tgtd"
