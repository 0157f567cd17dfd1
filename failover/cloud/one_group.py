"""Whether all volumes of a site can be copied at one moment: one place, one volume group of OCI. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from failover.cloud.block_copies import BlockVolume
from failover.model.outcome import Refused


def place_of(volumes: Sequence[BlockVolume]) -> str:
    """The availability domain of all volumes. Raises Refused for several, and for one not AVAILABLE."""
    if wrong := [f"{one.name} is {one.state}" for one in volumes if one.state != "AVAILABLE"]:
        raise Refused(f"volume {', '.join(wrong)}, expected AVAILABLE", "wait, or look at it in the console")
    domains = sorted({one.availability_domain for one in volumes})
    if len(domains) > 1:
        raise Refused(f"the volumes are in {' and '.join(domains)}: a group has one availability domain", "")
    return domains[0]


def group_of(volumes: Sequence[BlockVolume]) -> str | None:
    """The OCI volume group that has all of them; None where none is in one. Raises Refused for all else."""
    groups = {one.group_id for one in volumes}
    if len(groups) > 1:
        listing = ", ".join(f"{one.name}: {one.group_id or 'none'}" for one in volumes)
        raise Refused(
            f"the volumes are not in one volume group of OCI ({listing}): no copy would be of one moment",
            "put all of them into one volume group, or take all of them out of theirs",
        )
    return groups.pop()
