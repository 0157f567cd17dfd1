"""What the OCI API tells of instances, images, volumes and subnets: as much as prechecks judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class InstanceFacts:
    """An instance; `tags` are its freeform tags."""

    id: str
    name: str
    state: str
    availability_domain: str
    tags: tuple[tuple[str, str], ...]
    compartment_id: str = ""


@dataclass(frozen=True)
class ImageFacts:
    """An image; `created` is in UTC. `tags` are its freeform tags."""

    name: str
    state: str
    created: datetime
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeFacts:
    """A block volume; `group_id` is the OCI volume group that it is in, if any."""

    state: str
    availability_domain: str
    group_id: str | None


@dataclass(frozen=True)
class PrivateIp:
    """An address of a VNIC. Only one that is not the VNIC's primary address can move."""

    id: str
    address: str
    is_primary: bool
    vnic_id: str | None
    hostname: str | None = None


@dataclass(frozen=True)
class SubnetFacts:
    """A subnet; `availability_domain` is None for a regional one."""

    name: str
    state: str
    cidr: str
    availability_domain: str | None
