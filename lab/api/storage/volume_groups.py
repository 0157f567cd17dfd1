"""Volume groups: volumes that are cloned and backed up at one moment.

Source: https://docs.oracle.com/en-us/iaas/Content/Block/Concepts/volumegroups.htm
"""

from typing import Any

from lab.api.compute.volumes import volume_record
from lab.api.core.call import Call, Tenancy, listed_in_compartment, tags
from lab.api.core.errors import conflict, incorrect_state, invalid, limit_exceeded, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

KIND = "volumegroup"
MOST_VOLUMES = 32
LARGEST_GBS = 128 * 1024  # of all volumes of a group together
LONGEST_NAME = 255
MODELLED = (
    *("availabilityDomain", "compartmentId", "definedTags", "displayName", "freeformTags"),
    "sourceDetails",
)
FILTERS = ("availabilityDomain", "displayName", "lifecycleState")


def create_volume_group(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateVolumeGroup: of volumes that exist, a clone of another group, or from a backup of one.

    Raises 404 for what is not there, 400 for another availability domain or too many volumes, 409 for a
    volume that is in a group already and for what is not AVAILABLE; 501 for a group from a replica.
    """
    call.modelled(*MODELLED)
    cloud.require_compartment(call.text("compartmentId"))
    if len(call.body.get("displayName") or "") > LONGEST_NAME:
        raise invalid(f"displayName must have at most {LONGEST_NAME} characters")
    source: Document = call.body.get("sourceDetails") or {}
    domain = call.text("availabilityDomain")
    if source.get("type") == "volumeIds":
        return _of_volumes(cloud, call, domain, source.get("volumeIds") or [])
    if source.get("type") == "volumeGroupId":
        return _clone(cloud, call, domain, str(source.get("volumeGroupId")))
    if source.get("type") == "volumeGroupBackupId":
        return _restored(cloud, call, domain, str(source.get("volumeGroupBackupId")))
    raise not_modelled(f"a volume group from sourceDetails.type {source.get('type')}")


def _of_volumes(cloud: Tenancy, call: Call, domain: str, volume_ids: list[str]) -> StoredResource:
    group = _record(cloud, call, domain)
    _check_members(cloud, group, volume_ids)
    _join(cloud, group, volume_ids)
    begin(cloud, cloud.store.put(_with(cloud, group, volume_ids)), "create_group", "CreateVolumeGroup")
    return group


def _clone(cloud: Tenancy, call: Call, domain: str, source_id: str) -> StoredResource:
    """A group of new volumes, PROVISIONING. It names them when it is AVAILABLE, as the worst case."""
    source = cloud.required(KIND, source_id)
    if source.state != "AVAILABLE":
        raise incorrect_state(f"volume group {source.id} is {source.state}: only an AVAILABLE one is cloned")
    if source.body["availabilityDomain"] != domain:
        raise invalid(
            f"volume group {source.id} is in {source.body['availabilityDomain']}: its clone cannot be in"
            f" {domain}"
        )
    members = [cloud.required("volume", volume_id) for volume_id in source.body["volumeIds"]]
    return _of_copies(cloud, _record(cloud, call, domain), "volume", members)


def _restored(cloud: Tenancy, call: Call, domain: str, backup_id: str) -> StoredResource:
    """As a clone, of the data of a backup, in any availability domain of the region.

    Source: https://docs.oracle.com/en-us/iaas/api/#/en/iaas/20160918/datatypes/VolumeGroupSourceFromVolumeGroupBackupDetails
    """
    backup = cloud.required("volumegroupbackup", backup_id)
    if backup.state != "AVAILABLE":
        raise incorrect_state(f"volume group backup {backup.id} is {backup.state}: it must be AVAILABLE")
    if domain not in cloud.world.availability_domains:
        raise invalid(f"availabilityDomain {domain}; {', '.join(cloud.world.availability_domains)} exist")
    parts = [cloud.required("volumebackup", one) for one in backup.body["volumeBackupIds"]]
    return _of_copies(cloud, _record(cloud, call, domain), "volumeBackup", parts)


def _of_copies(
    cloud: Tenancy, group: StoredResource, kind: str, origins: list[StoredResource]
) -> StoredResource:
    """The group with a new volume for each volume or volume backup; `kind`: of sourceDetails."""
    copies = {}
    for origin in origins:
        # a backup knows no performance: its volume gets OCI's default
        like = {name: origin.body.get(name) for name in ("displayName", "vpusPerGB")}
        domain = group.body["availabilityDomain"]
        fresh = volume_record(cloud, new_ocid("volume"), domain, origin.body["sizeInGBs"], like)
        from_it = {"type": kind, "id": origin.id}
        cloud.store.put(fresh.changed(volumeGroupId=group.id, sourceDetails=from_it, isHydrated=False))
        copies[fresh.id] = origin.id
    group = cloud.store.put(group.knowing(copies=copies))
    begin(cloud, group, "clone_group", "CreateVolumeGroup")
    return group


def _record(cloud: Tenancy, call: Call, domain: str) -> StoredResource:
    ocid = new_ocid(KIND)
    body = {
        "id": ocid,
        "compartmentId": call.text("compartmentId"),
        "availabilityDomain": domain,
        "displayName": call.body.get("displayName") or f"volumegroup{ocid[-8:]}",
        "lifecycleState": "PROVISIONING",
        "timeCreated": timestamp(),
        "sizeInGBs": 0,
        "sizeInMBs": 0,
        "isHydrated": False,
        "volumeIds": [],
        "volumeGroupReplicas": [],
        "sourceDetails": call.body["sourceDetails"],
        **tags(call.body),
    }
    return StoredResource(ocid, KIND, body)


def _check_members(cloud: Tenancy, group: StoredResource, volume_ids: list[str]) -> None:
    if not volume_ids or len(set(volume_ids)) < len(volume_ids):
        raise invalid("volumeIds must name at least one volume, and each once")
    if len(volume_ids) > MOST_VOLUMES:
        raise limit_exceeded(f"a volume group has at most {MOST_VOLUMES} volumes, not {len(volume_ids)}")
    members = [cloud.required("volume", volume_id) for volume_id in volume_ids]
    for volume in members:
        if volume.state != "AVAILABLE":
            raise incorrect_state(f"volume {volume.id} is {volume.state}: it must be AVAILABLE")
        if volume.body["availabilityDomain"] != group.body["availabilityDomain"]:
            raise invalid(
                f"volume {volume.id} is in {volume.body['availabilityDomain']}, the group in"
                f" {group.body['availabilityDomain']}"
            )
        if volume.body["volumeGroupId"] not in (None, group.id):
            raise conflict(f"volume {volume.id} is in volume group {volume.body['volumeGroupId']} already")
    if (size := sum(volume.body["sizeInGBs"] for volume in members)) > LARGEST_GBS:
        raise limit_exceeded(f"a volume group has at most {LARGEST_GBS} GB, not {size}")


def _join(cloud: Tenancy, group: StoredResource, volume_ids: list[str]) -> None:
    """The volumes that are in the group from now on; those that were in it before leave it."""
    for volume in cloud.store.find("volume", volumeGroupId=group.id):
        if volume.id not in volume_ids:
            cloud.store.put(volume.changed(volumeGroupId=None))
    for volume_id in volume_ids:
        cloud.store.put(cloud.required("volume", volume_id).changed(volumeGroupId=group.id))


def _with(cloud: Tenancy, group: StoredResource, volume_ids: list[str]) -> StoredResource:
    size = sum(cloud.required("volume", one).body["sizeInGBs"] for one in volume_ids)
    return group.changed(volumeIds=list(volume_ids), sizeInGBs=size, sizeInMBs=size * 1024)


def get_volume_group(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(KIND, call.path["id"])


def list_volume_groups(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, KIND, FILTERS)


def update_volume_group(cloud: Tenancy, call: Call) -> StoredResource:
    """UpdateVolumeGroup: name, tags, members. Refuses one that is not AVAILABLE (409)."""
    group = cloud.required(KIND, call.path["id"])
    call.modelled("displayName", "definedTags", "freeformTags", "volumeIds")
    details: dict[str, Any] = {name: value for name, value in call.body.items() if value is not None}
    if group.state != "AVAILABLE":
        raise incorrect_state(f"volume group {group.id} is {group.state}")
    members = details.pop("volumeIds", None)
    if members is not None:
        _check_members(cloud, group, members)
        _join(cloud, group, members)
        group = _with(cloud, group, members)
    return cloud.store.put(group.changed(**details))


def delete_volume_group(cloud: Tenancy, call: Call) -> None:
    """DeleteVolumeGroup: its volumes stay. Refuses one that is not AVAILABLE (409)."""
    group = cloud.required(KIND, call.path["id"])
    if group.state not in ("AVAILABLE", "FAULTY"):
        raise incorrect_state(f"volume group {group.id} is {group.state}")
    changed = cloud.store.put(group.changed(lifecycleState="TERMINATING"))
    begin(cloud, changed, "delete_group", "DeleteVolumeGroup")


def _no_effect(hardware: Hardware, job: StateTransition) -> Document:
    return {}


def _copy(hardware: Hardware, job: StateTransition) -> Document:
    return {"iqns": hardware.clone_volumes(job.resource.hidden["copies"])}


def _made(cloud: Tenancy, group: StoredResource, facts: Document) -> None:
    cloud.store.put(group.changed(lifecycleState="AVAILABLE", isHydrated=True))


def _cloned(cloud: Tenancy, group: StoredResource, facts: Document) -> None:
    for ocid, iqn in facts["iqns"].items():
        volume = cloud.required("volume", ocid)
        cloud.store.put(volume.changed(lifecycleState="AVAILABLE", isHydrated=True).knowing(iqn=iqn))
    _made(cloud, _with(cloud, group, list(group.hidden["copies"])), facts)


def _not_cloned(cloud: Tenancy, group: StoredResource) -> None:
    """What was begun stays, FAULTY, and has to be deleted: the worst case."""
    for ocid in group.hidden["copies"]:
        cloud.store.put(cloud.required("volume", ocid).changed(lifecycleState="FAULTY"))
    _faulty(cloud, _with(cloud, group, list(group.hidden["copies"])))


def _faulty(cloud: Tenancy, group: StoredResource) -> None:
    cloud.store.put(group.changed(lifecycleState="FAULTY"))


def _deleted(cloud: Tenancy, group: StoredResource, facts: Document) -> None:
    _join(cloud, group, [])
    cloud.store.put(group.changed(lifecycleState="TERMINATED", volumeIds=[]))


CREATE = StateChange(_no_effect, _made, _faulty)
CLONE = StateChange(_copy, _cloned, _not_cloned)
DELETE = StateChange(_no_effect, _deleted, lambda cloud, group: _made(cloud, group, {}))
