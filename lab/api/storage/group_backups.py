"""Backups of volumes and of volume groups: taken, listed, deleted; volume_groups.py restores them.

A backup's data lies with the hardware as volumes of the backups' own OCIDs, which nobody can attach.
Source: https://docs.oracle.com/en-us/iaas/Content/Block/Tasks/managingvolumegroups.htm
"""

from lab.api.core.call import Call, Tenancy, listed_in_compartment, tags
from lab.api.core.errors import incorrect_state, invalid
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

KIND = "volumegroupbackup"
VOLUME = "volumebackup"
TYPES = ("FULL", "INCREMENTAL")
MODELLED = ("compartmentId", "definedTags", "displayName", "freeformTags", "type")


def create_volume_group_backup(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateVolumeGroupBackup. Refuses a group that is not AVAILABLE (409), another type (400)."""
    call.modelled(*MODELLED, "volumeGroupId")
    group = cloud.required("volumegroup", call.text("volumeGroupId"))
    if group.state != "AVAILABLE":
        raise incorrect_state(f"volume group {group.id} is {group.state}: only an AVAILABLE one is backed up")
    place = call.body.get("compartmentId") or group.body["compartmentId"]
    backup = _record(cloud, call, KIND, place, group.body)
    parts = [_part(cloud, call, place, ocid, backup.id) for ocid in group.body["volumeIds"]]
    named = backup.changed(volumeGroupId=group.id, volumeBackupIds=[one.id for one in parts])
    named = named.knowing(copies={one.id: one.body["volumeId"] for one in parts})
    begin(cloud, cloud.store.put(named), "back_up_group", "CreateVolumeGroupBackup")
    return named


def _part(cloud: Tenancy, call: Call, place: str, volume_id: str, backup_id: str) -> StoredResource:
    volume = cloud.required("volume", volume_id)
    part = _record(cloud, call, VOLUME, place, volume.body)
    return cloud.store.put(part.changed(volumeId=volume_id, sourceType="MANUAL").knowing(of=backup_id))


def _record(cloud: Tenancy, call: Call, kind: str, place: str, source: Document) -> StoredResource:
    cloud.require_compartment(place)
    if (type_ := call.body.get("type") or "INCREMENTAL") not in TYPES:
        raise invalid(f"type must be one of {', '.join(TYPES)}, not {type_}")
    ocid = new_ocid(kind)
    body = {
        "id": ocid,
        "compartmentId": place,
        "displayName": call.body.get("displayName") or f"{kind}{ocid[-8:]}",
        "lifecycleState": "CREATING",
        "timeCreated": timestamp(),
        "timeRequestReceived": timestamp(),
        "expirationTime": None,
        "type": type_,
        "sourceType": "MANUAL",
        "sizeInGBs": source["sizeInGBs"],
        "sizeInMBs": source["sizeInMBs"],
        "uniqueSizeInGbs": 1,
        "uniqueSizeInMbs": 1024,
        "kmsKeyId": None,
        "systemTags": {},
        **tags(call.body),
    }
    return StoredResource(ocid, kind, body)


def get_volume_group_backup(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(KIND, call.path["id"])


def list_volume_group_backups(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, KIND, ("volumeGroupId", "displayName"))


def delete_volume_group_backup(cloud: Tenancy, call: Call) -> None:
    """DeleteVolumeGroupBackup, with the backups of its volumes. Refuses one that is not AVAILABLE (409)."""
    backup = cloud.required(KIND, call.path["id"])
    if backup.state not in ("AVAILABLE", "FAULTY"):
        raise incorrect_state(f"volume group backup {backup.id} is {backup.state}")
    changed = cloud.store.put(backup.changed(lifecycleState="TERMINATING"))
    begin(cloud, changed, "delete_group_backup", "DeleteVolumeGroupBackup")


def get_volume_backup(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(VOLUME, call.path["id"])


def list_volume_backups(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, VOLUME, ("volumeId", "displayName", "lifecycleState"))


def _store(hardware: Hardware, job: StateTransition) -> Document:
    hardware.clone_volumes(job.resource.hidden["copies"])
    return {}


def _forget(hardware: Hardware, job: StateTransition) -> Document:
    for part in job.resource.hidden["copies"]:
        hardware.delete_volume(part)
    return {}


def _become(cloud: Tenancy, backup: StoredResource, state: str) -> None:
    for part in backup.body["volumeBackupIds"]:
        cloud.store.put(cloud.required(VOLUME, part).changed(lifecycleState=state))
    cloud.store.put(backup.changed(lifecycleState=state))


CREATE = StateChange(
    _store,
    lambda cloud, backup, facts: _become(cloud, backup, "AVAILABLE"),
    lambda cloud, backup: _become(cloud, backup, "FAULTY"),
)
DELETE = StateChange(
    _forget,
    lambda cloud, backup, facts: _become(cloud, backup, "TERMINATED"),
    lambda cloud, backup: _become(cloud, backup, "AVAILABLE"),
)
