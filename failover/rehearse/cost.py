"""What a rehearsal costs, in units that a price list has: instance-hours and gigabyte-hours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from failover.cloud.block_copies import BlockVolume

_GUESS_SECONDS = 3600.0  # a bare-metal launch and a check of the filesystem; before the first rehearsal


@dataclass(frozen=True)
class Cost:
    """`shape`: of the throw-away server, empty for one that stands by. `seconds`: expected, of all of it."""

    shape: str
    seconds: float
    volumes: int
    gigabytes: int
    vpus: tuple[int, ...]

    def lines(self) -> tuple[str, ...]:
        """For a person."""
        hours = self.seconds / 3600
        server = (
            f"one {self.shape} for about {hours:.1f} instance-hours"
            if self.shape
            else "no server: one that stands by is used"
        )
        performance = "/".join(map(str, self.vpus))
        return (
            f"this costs {server}",
            f"and {self.volumes} cloned volumes, {self.gigabytes / 1024:.2f} TB at {performance} VPU per GB, "
            f"for the same time ({self.gigabytes * hours:.0f} GB-hours)",
        )


def cost_of(shape: str, volumes: Sequence[BlockVolume], last_seconds: float | None) -> Cost:
    """`last_seconds`: what the last rehearsal of this site took; None before the first."""
    return Cost(
        shape,
        last_seconds or _GUESS_SECONDS,
        len(volumes),
        sum(one.size_gbs for one in volumes),
        tuple(sorted({one.vpus_per_gb for one in volumes})),
    )
