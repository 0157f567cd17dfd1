"""Volume groups, their clones and backups through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import oci

from failover.cloud.acting import NotFound, acting, listed, settled

_ENDED = ("TERMINATED",)
BACKUP_TAG = "nfs-failover-backup"  # on groups, clones and backups that are kept
_VOLUME_BACKUP = "ocid1.volumebackup."
_MOVING = ("PROVISIONING", "TERMINATING", "RESTORING", "UPDATE_PENDING")


@dataclass(frozen=True)
class BlockVolume:
    """A block volume. `source_id`: the volume that it is a clone of, or the backup that it was restored from.

    `tags`: its freeform tags.
    """

    id: str
    name: str
    state: str
    availability_domain: str
    size_gbs: int
    vpus_per_gb: int
    group_id: str | None
    source_id: str | None
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_restored(self) -> bool:
        """Whether its source is a backup, and not a volume."""
        return (self.source_id or "").startswith(_VOLUME_BACKUP)


@dataclass(frozen=True)
class BlockGroup:
    """A volume group. `cloned_from`: the group that it is a clone of. `restored_from`: the backup that it was
    made of. Both are None for one of given volumes."""

    id: str
    name: str
    state: str
    volume_ids: tuple[str, ...]
    cloned_from: str | None
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    restored_from: str | None = None


@dataclass(frozen=True)
class GroupBackup:
    """A backup of a volume group. `created` is in UTC; `moment`: of its data, at the latest.

    `part_ids`: of the backups of its volumes.
    """

    id: str
    name: str
    state: str
    created: datetime
    size_gbs: int
    moment: datetime
    part_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeBackup:
    """A backup of one volume, as a part of a group's. `volume_id`: whose it is."""

    id: str
    volume_id: str
    size_gbs: int


class BlockCopies:
    """Block storage of one region. Raises Failed for a refusal, Unknown for what could not be learnt.

    `client`: opens a client of the SDK (failover.cloud.compute.Cloud.client).
    """

    def __init__(self, client: Callable[[Any], Any]) -> None:
        self._storage = client(oci.core.BlockstorageClient)

    def volume(self, volume_id: str) -> BlockVolume:
        """GetVolume."""
        return _volume(acting("GetVolume", self._storage.get_volume, volume_id))

    def traced_volume(self, volume_id: str) -> BlockVolume:
        """GetVolume. The `source_id` of a restored one is the volume that its backup is of (GetVolumeBackup),
        while OCI has that backup."""
        volume = self.volume(volume_id)
        if not volume.is_restored:
            return volume
        try:
            return replace(volume, source_id=self.volume_backup(str(volume.source_id)).volume_id)
        except NotFound:
            return volume

    def volumes(self, compartment_id: str) -> tuple[BlockVolume, ...]:
        """ListVolumes: those that are not TERMINATED."""
        volumes = listed("ListVolumes", self._storage.list_volumes, compartment_id=compartment_id)
        return tuple(one for one in map(_volume, volumes) if one.state not in _ENDED)

    def groups(self, compartment_id: str) -> tuple[BlockGroup, ...]:
        """ListVolumeGroups: those that are not TERMINATED."""
        groups = listed("ListVolumeGroups", self._storage.list_volume_groups, compartment_id)
        return tuple(one for one in map(_group, groups) if one.state not in _ENDED)

    def group(self, group_id: str) -> BlockGroup:
        """GetVolumeGroup."""
        return _group(acting("GetVolumeGroup", self._storage.get_volume_group, group_id))

    def make_group(
        self,
        place: tuple[str, str],
        name: str,
        volume_ids: Sequence[str],
        tags: Mapping[str, str],
        wait: float,
    ) -> BlockGroup:
        """CreateVolumeGroup of these volumes. `place`: compartment and availability domain."""
        source = oci.core.models.VolumeGroupSourceFromVolumesDetails(volume_ids=list(volume_ids))
        return self._create(place, name, source, tags, wait)

    def clone_group(
        self, place: tuple[str, str], name: str, group_id: str, tags: Mapping[str, str], wait: float
    ) -> BlockGroup:
        """CreateVolumeGroup as a clone: all volumes as they are at one moment."""
        source = oci.core.models.VolumeGroupSourceFromVolumeGroupDetails(volume_group_id=group_id)
        return self._create(place, name, source, tags, wait)

    def restore_group(
        self, place: tuple[str, str], name: str, backup_id: str, tags: Mapping[str, str], wait: float
    ) -> BlockGroup:
        """CreateVolumeGroup from a backup: a new volume for each volume of then. `place` as in make_group."""
        source = oci.core.models.VolumeGroupSourceFromVolumeGroupBackupDetails(
            volume_group_backup_id=backup_id
        )
        return self._create(place, name, source, tags, wait)

    def _create(
        self, place: tuple[str, str], name: str, source: Any, tags: Mapping[str, str], wait: float
    ) -> BlockGroup:
        details = oci.core.models.CreateVolumeGroupDetails(
            compartment_id=place[0],
            availability_domain=place[1],
            display_name=name,
            source_details=source,
            freeform_tags=dict(tags),
        )
        made = acting("CreateVolumeGroup", self._storage.create_volume_group, details)
        return self.settle_group(made.id, wait)

    def settle_group(self, group_id: str, wait: float, states: Sequence[str] = ("AVAILABLE",)) -> BlockGroup:
        """The group once it no longer changes. Raises Failed for another state than these."""
        return _group(
            settled(
                "volume group",
                lambda: acting("GetVolumeGroup", self._storage.get_volume_group, group_id),
                states,
                _MOVING,
                wait,
            )
        )

    def tag(self, volume: BlockVolume, tags: Mapping[str, str]) -> None:
        """UpdateVolume: add these freeform tags. One that cannot be changed now (409) stays as it is."""
        details = oci.core.models.UpdateVolumeDetails(freeform_tags={**volume.tags, **tags})
        acting("UpdateVolume", self._storage.update_volume, volume.id, details, but=(409,))

    def delete_group(self, group_id: str, wait: float) -> None:
        """DeleteVolumeGroup, and wait until it is gone; its volumes stay. Not there is success."""
        acting("DeleteVolumeGroup", self._storage.delete_volume_group, group_id, but=(404,))
        self._await_gone("volume group", "GetVolumeGroup", self._storage.get_volume_group, group_id, wait)

    def delete_volumes(self, volume_ids: Iterable[str], wait: float) -> None:
        """DeleteVolume of each, and wait until all are gone. Not there is success."""
        ids = tuple(volume_ids)
        for ocid in ids:
            acting("DeleteVolume", self._storage.delete_volume, ocid, but=(404,))
        for ocid in ids:
            self._await_gone("volume", "GetVolume", self._storage.get_volume, ocid, wait)

    def _await_gone(self, what: str, operation: str, read: Any, ocid: str, wait: float) -> None:
        """A 404 after a removal that was accepted is its end: OCI forgets what was terminated."""
        try:
            settled(what, lambda: acting(operation, read, ocid), _ENDED, ("AVAILABLE", *_MOVING), wait)
        except NotFound:
            return

    def ask_backup(self, group_id: str, name: str, kind: str, tags: Mapping[str, str]) -> str:
        """CreateVolumeGroupBackup: of this moment; its OCID. `kind`: FULL or INCREMENTAL."""
        details = oci.core.models.CreateVolumeGroupBackupDetails(
            volume_group_id=group_id, display_name=name, type=kind, freeform_tags=dict(tags)
        )
        made = acting("CreateVolumeGroupBackup", self._storage.create_volume_group_backup, details)
        return str(made.id)

    def back_up_group(
        self, group_id: str, name: str, kind: str, tags: Mapping[str, str], wait: float
    ) -> GroupBackup:
        """As ask_backup, and wait until it is AVAILABLE."""
        made = self.ask_backup(group_id, name, kind, tags)
        moving = ("REQUEST_RECEIVED", "CREATING", "COMMITTED")
        get = self._storage.get_volume_group_backup
        read = lambda: acting("GetVolumeGroupBackup", get, made)  # noqa: E731
        return _backup(settled("volume group backup", read, ("AVAILABLE",), moving, wait))

    def group_backup(self, backup_id: str) -> GroupBackup:
        """GetVolumeGroupBackup."""
        return _backup(acting("GetVolumeGroupBackup", self._storage.get_volume_group_backup, backup_id))

    def volume_backup(self, backup_id: str) -> VolumeBackup:
        """GetVolumeBackup."""
        backup = acting("GetVolumeBackup", self._storage.get_volume_backup, backup_id)
        return VolumeBackup(backup.id, backup.volume_id or "", int(backup.size_in_gbs or 0))

    def group_backups(self, compartment_id: str, group_id: str | None = None) -> tuple[GroupBackup, ...]:
        """ListVolumeGroupBackups: those (of the group) that are AVAILABLE, the newest first."""
        ask = self._storage.list_volume_group_backups
        of_group = {"volume_group_id": group_id} if group_id else {}
        backups = listed("ListVolumeGroupBackups", ask, compartment_id, **of_group)
        usable = [_backup(one) for one in backups if one.lifecycle_state == "AVAILABLE"]
        return tuple(sorted(usable, key=lambda one: one.created, reverse=True))

    def policies(self) -> dict[str, str]:
        """ListVolumeBackupPolicies: Oracle's own, OCID by name."""
        policies = listed("ListVolumeBackupPolicies", self._storage.list_volume_backup_policies)
        return {one.display_name: one.id for one in policies}

    def assigned_policies(self, asset_id: str) -> dict[str, str]:
        """GetVolumeBackupPolicyAssetAssignment: the assignment's OCID by the policy's."""
        ask = self._storage.get_volume_backup_policy_asset_assignment
        return {
            one.policy_id: one.id for one in listed("GetVolumeBackupPolicyAssetAssignment", ask, asset_id)
        }

    def assign_policy(self, asset_id: str, policy_id: str) -> None:
        """CreateVolumeBackupPolicyAssignment."""
        details = oci.core.models.CreateVolumeBackupPolicyAssignmentDetails(
            asset_id=asset_id, policy_id=policy_id
        )
        ask = self._storage.create_volume_backup_policy_assignment
        acting("CreateVolumeBackupPolicyAssignment", ask, details)

    def unassign_policy(self, assignment_id: str) -> None:
        """DeleteVolumeBackupPolicyAssignment. Not there is success."""
        ask = self._storage.delete_volume_backup_policy_assignment
        acting("DeleteVolumeBackupPolicyAssignment", ask, assignment_id, but=(404,))


def _volume(volume: Any) -> BlockVolume:
    source = volume.source_details
    return BlockVolume(
        volume.id,
        volume.display_name or "",
        volume.lifecycle_state,
        volume.availability_domain,
        int(volume.size_in_gbs or 0),
        int(volume.vpus_per_gb or 0),
        volume.volume_group_id,
        getattr(source, "id", None) if source else None,
        volume.time_created,
        volume.freeform_tags or {},
    )


def _group(group: Any) -> BlockGroup:
    return BlockGroup(
        group.id,
        group.display_name or "",
        group.lifecycle_state,
        tuple(group.volume_ids or ()),
        getattr(group.source_details, "volume_group_id", None),
        group.time_created,
        group.freeform_tags or {},
        getattr(group.source_details, "volume_group_backup_id", None),
    )


def _backup(backup: Any) -> GroupBackup:
    return GroupBackup(
        backup.id,
        backup.display_name or "",
        backup.lifecycle_state,
        backup.time_created,
        int(backup.size_in_gbs or 0),
        backup.time_request_received or backup.time_created,
        tuple(backup.volume_backup_ids or ()),
    )
