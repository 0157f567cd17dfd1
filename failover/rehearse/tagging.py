"""The tag on everything that a rehearsal makes: which rehearsal it is of, and of which site. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from failover.model.stack_output import Stack

TAG = "nfs-failover-rehearsal"


def site_key(stack: Stack) -> str:
    """Twelve characters that tell this site from others in its compartment: they follow from its volumes."""
    ids = sorted(volume.volume_id for volume in stack.volumes.values())
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Label:
    """One rehearsal. `run`: its folder's name below runs/rehearsals."""

    key: str
    run: str

    @property
    def tags(self) -> dict[str, str]:
        """The freeform tags of what this rehearsal makes."""
        return {TAG: f"{self.key}/{self.run}"}


def run_of(tags: Mapping[str, str], key: str) -> str | None:
    """Which rehearsal of this site made what has these tags; None for anything else."""
    owner, _, run = tags.get(TAG, "").partition("/")
    return run if owner == key and run else None
