"""The data volumes of a server: a name for each, and the attachments that this project does not move."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from failover.cloud.server_reads import DataVolume

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_AGAIN = "in a quiet hour unmount, log out, detach, and attach it again as a plain iSCSI attachment"


def names(volumes: Iterable[DataVolume], known: Mapping[str, str]) -> dict[str, DataVolume]:
    """A name for each volume: the known one (OCID → name), else its display name, made unique.

    Two of one display name get the ends of their OCIDs, which stay theirs whatever is attached later.
    """
    volumes_by_name: dict[str, DataVolume] = {}
    listed = list(volumes)
    wanted = [_label(volume.name) for volume in listed]
    for volume, label in zip(listed, wanted, strict=True):
        name = known.get(volume.volume_id)
        if name is None:
            twice = wanted.count(label) > 1 or label in volumes_by_name or label in known.values()
            name = (
                f"{label[:54].rstrip('_.-') or 'bv'}-{volume.volume_id[-8:]}" if twice or not label else label
            )
        volumes_by_name[name] = volume
    return volumes_by_name


def _label(text: str) -> str:
    label = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("_.-")[:63]
    return label if _NAME.fullmatch(label) else ""


def refusals(volumes: Mapping[str, DataVolume], instance_id: str, chap: Iterable[str]) -> Iterator[str]:
    """Why an attachment cannot be moved: what was found, what was expected, what to do. `chap`: IQNs whose
    record on the server logs in with a secret."""
    secret = set(chap)
    for name, volume in volumes.items():
        what = f"volume {name} ({volume.volume_id})"
        if volume.kind != "iscsi":
            yield f"{what}: found a {volume.kind} attachment, expected iSCSI; {_AGAIN}"
            continue
        if volume.multipath:
            yield (
                f"{what}: found a multipath attachment (ultra-high performance), "
                "expected a plain one; set it to 20 VPU/GB or less and attach it again"
            )
        if volume.chap or volume.iqn in secret:
            yield f"{what}: found an attachment with CHAP, expected none; {_AGAIN}, without CHAP"
        if volume.read_only:
            yield f"{what}: found a read-only attachment, expected read/write; {_AGAIN}, read/write"
        others = [holder for holder in volume.holders if holder != instance_id]
        if others:
            yield (
                f"{what}: found it attached to {', '.join(others)} as well, expected one server; "
                "detach it from the others: no filesystem of ours bears two hosts"
            )
        elif volume.shareable:
            yield f"{what}: found a shareable attachment, expected one that is not; {_AGAIN}"
        if volume.state != "AVAILABLE":
            yield f"{what}: it is {volume.state}, expected AVAILABLE; wait, or ask Oracle's support"


def described(volume: DataVolume) -> str:
    """What a reader of the variables wants to know of a volume beside its OCID."""
    policy = {True: "a backup policy", False: "no backup policy", None: "backup policy not known"}
    words = [f"{volume.size_gbs} GB", f"{volume.vpus_per_gb} VPU/GB", policy[volume.backup_policy]]
    return ", ".join(words + (["the agent logs in to it"] if volume.agent_login else []))
