"""Block volumes: made empty or cloned, renamed, grown, deleted."""

from lab.api.compute.attachments import live_attachments_of
from lab.api.core.call import Call, Tenancy, listed, tags
from lab.api.core.errors import conflict, incorrect_state, invalid, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

MODELLED = (
    *("availabilityDomain", "compartmentId", "definedTags", "displayName", "freeformTags"),
    "sourceDetails",
)
SIZES = ("sizeInGBs", "sizeInMBs", "vpusPerGB")
SMALLEST_GBS, LARGEST_GBS = 50, 32 * 1024


def create_volume(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateVolume. Refuses an unknown compartment (404) and availability domain (400)."""
    call.modelled(*MODELLED, *SIZES)
    cloud.require_compartment(call.text("compartmentId"))
    domain = call.text("availabilityDomain")
    if domain not in cloud.world.availability_domains:
        raise invalid(f"availabilityDomain {domain}; {', '.join(cloud.world.availability_domains)} exist")
    record = volume_record(cloud, new_ocid("volume"), domain, _size(call), call.body)
    if call.body.get("sourceDetails"):
        record = _clone_of(cloud, call.body["sourceDetails"], record, "sizeInGBs" in call.body)
    volume = cloud.store.put(record)
    begin(cloud, volume, "create_volume", "CreateVolume")
    return volume


def _clone_of(cloud: Tenancy, details: Document, fresh: StoredResource, sized: bool) -> StoredResource:
    """The record of a clone. Refuses another availability domain and a smaller size (400)."""
    if details.get("type") != "volume":
        raise not_modelled(f"a volume from sourceDetails.type {details.get('type')}")
    source = cloud.required("volume", str(details.get("id")))
    if source.state != "AVAILABLE":
        raise incorrect_state(f"volume {source.id} is {source.state}: only an AVAILABLE one is cloned")
    if source.body["availabilityDomain"] != fresh.body["availabilityDomain"]:
        raise invalid(
            f"volume {source.id} is in {source.body['availabilityDomain']}: its clone cannot be in"
            f" {fresh.body['availabilityDomain']}"
        )
    least = source.body["sizeInGBs"]
    size = fresh.body["sizeInGBs"] if sized else least
    if size < least:
        raise invalid(f"sizeInGBs must be {least} or more, the size of {source.id}, not {size}")
    sizes = {"sizeInGBs": size, "sizeInMBs": size * 1024}
    return fresh.changed(**sizes, sourceDetails=details, isHydrated=False).knowing(source=source.id)


def _size(call: Call) -> int:
    size_gbs = call.body.get("sizeInGBs") or (call.body.get("sizeInMBs") or 0) // 1024 or SMALLEST_GBS
    size = int(size_gbs)
    if not SMALLEST_GBS <= size <= LARGEST_GBS:
        raise invalid(f"sizeInGBs must be {SMALLEST_GBS} to {LARGEST_GBS}, not {size}")
    return size


def volume_record(cloud: Tenancy, ocid: str, domain: str, size_gbs: int, details: Document) -> StoredResource:
    """A volume's record, PROVISIONING."""
    body = {
        "id": ocid,
        "compartmentId": cloud.world.compartment_id,
        "availabilityDomain": domain,
        "displayName": details.get("displayName") or f"volume{ocid[-8:]}",
        "lifecycleState": "PROVISIONING",
        "timeCreated": timestamp(),
        "sizeInGBs": size_gbs,
        "sizeInMBs": size_gbs * 1024,
        "vpusPerGB": 10 if details.get("vpusPerGB") is None else details["vpusPerGB"],
        "isHydrated": True,
        "isAutoTuneEnabled": False,
        "autotunePolicies": [],
        "autoTunedVpusPerGB": None,
        "blockVolumeReplicas": [],
        "isReservationsEnabled": False,
        "sourceDetails": None,
        "volumeGroupId": None,
        "clusterPlacementGroupId": None,
        "kmsKeyId": None,
        "systemTags": {},
        **tags(details),
    }
    return StoredResource(ocid, "volume", body)


def get_volume(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("volume", call.path["id"])


def list_volumes(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed(cloud, call, "volume", ("availabilityDomain", "displayName", "lifecycleState"))


def update_volume(cloud: Tenancy, call: Call) -> StoredResource:
    """UpdateVolume. Refuses one that is not AVAILABLE (409); 501 for fields that are not modelled."""
    volume = cloud.required("volume", call.path["id"])
    details = {name: value for name, value in call.body.items() if value is not None}
    grown = _growth(volume, details.pop("sizeInGBs", None))
    if details.get("isAutoTuneEnabled") == volume.body["isAutoTuneEnabled"]:
        del details["isAutoTuneEnabled"]  # the provider sends it with every update
    extra = sorted(set(details) - {"displayName", "freeformTags", "definedTags", "vpusPerGB"})
    if extra:
        raise not_modelled(f"a change of a volume's {extra[0]}")
    if volume.state != "AVAILABLE":
        raise incorrect_state(f"volume {volume.id} is {volume.state}")
    if grown is None:
        return cloud.store.put(volume.changed(**details))
    changed = volume.changed(**details, lifecycleState="PROVISIONING").knowing(grows_to=grown)
    begin(cloud, cloud.store.put(changed), "grow_volume", "UpdateVolume")
    return changed


def _growth(volume: StoredResource, size_gbs: int | str | None) -> int | None:
    """The new size; None when it stays. A volume never shrinks."""
    before = volume.body["sizeInGBs"]
    if size_gbs is None or int(size_gbs) == before:
        return None
    if not before < int(size_gbs) <= LARGEST_GBS:
        raise invalid(f"sizeInGBs must be more than {before} and at most {LARGEST_GBS}, not {size_gbs}")
    return int(size_gbs)


def delete_volume(cloud: Tenancy, call: Call) -> None:
    """DeleteVolume. Refuses one that is attached, in a volume group, or not AVAILABLE (409)."""
    volume = cloud.required("volume", call.path["id"])
    holders = live_attachments_of(cloud, volumeId=volume.id)
    if holders:
        raise conflict(
            f"The volume {volume.id} cannot be deleted: it is attached to {holders[0].body['instanceId']}"
        )
    if volume.state not in ("AVAILABLE", "FAULTY"):
        raise incorrect_state(f"volume {volume.id} is {volume.state}")
    if volume.body["volumeGroupId"]:
        raise conflict(f"The volume {volume.id} is in volume group {volume.body['volumeGroupId']}")
    changed = cloud.store.put(volume.changed(lifecycleState="TERMINATING"))
    begin(cloud, changed, "delete_volume", "DeleteVolume")


def _create(hardware: Hardware, job: StateTransition) -> Document:
    ocid, size = job.resource.id, job.resource.body["sizeInGBs"]
    if source := job.resource.hidden.get("source"):
        iqns = hardware.clone_volumes({ocid: source})
        hardware.grow_volume(ocid, size)
        return {"iqn": iqns[ocid]}
    return {"iqn": hardware.create_volume(ocid, size)}


def _created(cloud: Tenancy, volume: StoredResource, facts: Document) -> None:
    cloud.store.put(volume.changed(lifecycleState="AVAILABLE", isHydrated=True).knowing(**facts))


def _delete(hardware: Hardware, job: StateTransition) -> Document:
    hardware.delete_volume(job.resource.id)
    return {}


def _deleted(cloud: Tenancy, volume: StoredResource, facts: Document) -> None:
    cloud.store.put(volume.changed(lifecycleState="TERMINATED"))


def _faulty(cloud: Tenancy, volume: StoredResource) -> None:
    cloud.store.put(volume.changed(lifecycleState="FAULTY"))


def _grow(hardware: Hardware, job: StateTransition) -> Document:
    hardware.grow_volume(job.resource.id, job.resource.hidden["grows_to"])
    return {}


def _grown(cloud: Tenancy, volume: StoredResource, facts: Document) -> None:
    size = volume.hidden["grows_to"]
    cloud.store.put(volume.changed(lifecycleState="AVAILABLE", sizeInGBs=size, sizeInMBs=size * 1024))


def _not_grown(cloud: Tenancy, volume: StoredResource) -> None:
    cloud.store.put(volume.changed(lifecycleState="AVAILABLE"))


CREATE = StateChange(_create, _created, _faulty)
DELETE = StateChange(_delete, _deleted, _faulty)
GROW = StateChange(_grow, _grown, _not_grown)
