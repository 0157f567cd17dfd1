"""Boot volumes and their attachments: made with an instance or as a clone, read here, deleted when free."""

from typing import Any

from lab.api.core.answer import Accepted
from lab.api.core.call import Call, Tenancy, listed, listed_in_compartment, tags
from lab.api.core.errors import conflict, incorrect_state, invalid, missing, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

MODELLED = (
    *("availabilityDomain", "compartmentId", "definedTags", "displayName", "freeformTags", "sourceDetails"),
)


def create_boot_volume(cloud: Tenancy, call: Call) -> Accepted:
    """CreateBootVolume, as a clone of another one, which may be in use: its instance goes on.

    A clone is what the disk holds at that moment: what the guest has not synced is not in it. Raises
    404 for an unknown compartment or source, 400 for no source and for another availability domain, 409 for
    a source that is not AVAILABLE, and 501 for what is not modelled.
    """
    call.modelled(*MODELLED)
    cloud.require_compartment(call.text("compartmentId"))
    source, holder = _source(cloud, call)
    domain = call.body.get("availabilityDomain") or source.body["availabilityDomain"]
    if domain != source.body["availabilityDomain"]:
        raise invalid(
            f"a clone must be in {source.body['availabilityDomain']}, its source's, not in {domain}"
        )
    ocid = new_ocid("bootvolume")
    named: Document = {
        "id": ocid,
        "compartmentId": call.text("compartmentId"),
        "displayName": call.body.get("displayName") or f"Clone of {source.body['displayName']}",
        "lifecycleState": "PROVISIONING",
        "sourceDetails": {"type": "bootVolume", "id": source.id},
        "timeCreated": timestamp(),
        **tags(call.body),
    }
    record = StoredResource(ocid, "bootvolume", {**source.body, **named}, {"cloned_from": holder})
    stored = cloud.store.put(record)
    return Accepted(stored, begin(cloud, stored, "clone_boot_volume", "CreateBootVolume"))


def _source(cloud: Tenancy, call: Call) -> tuple[StoredResource, str]:
    """The boot volume that is to be cloned, and the OCID of the instance that has it."""
    details: Document = call.body.get("sourceDetails") or {}
    if details.get("type") != "bootVolume":
        raise not_modelled(f"a boot volume of the type {details.get('type')}")
    if not details.get("id"):
        raise missing("sourceDetails.id")
    source = cloud.required("bootvolume", details["id"])
    if source.state != "AVAILABLE":
        raise incorrect_state(f"boot volume {source.id} is {source.state}")
    joins = _attached(cloud, source.id)
    if not joins:
        raise not_modelled("a clone of a boot volume that is attached to no instance")
    return source, joins[0].body["instanceId"]


def free_boot_volume(cloud: Tenancy, ocid: Any, domain: str) -> StoredResource:
    """The boot volume that a launch may take. Raises 400, 404, 409 as OCI does, 501 for a preserved one."""
    if not ocid:
        raise missing("sourceDetails.bootVolumeId")
    boot = cloud.required("bootvolume", ocid)
    if boot.state != "AVAILABLE":
        raise incorrect_state(f"boot volume {boot.id} is {boot.state}: wait until it is AVAILABLE")
    if boot.body["availabilityDomain"] != domain:
        raise invalid(f"boot volume {boot.id} is in {boot.body['availabilityDomain']}, not in {domain}")
    if _attached(cloud, boot.id):
        raise conflict(f"The boot volume {boot.id} is attached to an instance already")
    if not boot.hidden.get("cloned_from"):
        raise not_modelled("a launch from a boot volume that was preserved")
    return boot


def _attached(cloud: Tenancy, boot_volume_id: str) -> list[StoredResource]:
    attachments = cloud.store.find("bootvolumeattachment", bootVolumeId=boot_volume_id)
    return [one for one in attachments if one.state != "DETACHED"]


def get_boot_volume(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("bootvolume", call.path["id"])


def list_boot_volumes(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed(cloud, call, "bootvolume", ("availabilityDomain",))


def delete_boot_volume(cloud: Tenancy, call: Call) -> None:
    """DeleteBootVolume. Refuses one that is attached or not AVAILABLE (409)."""
    boot = cloud.required("bootvolume", call.path["id"])
    if held := _attached(cloud, boot.id):
        raise conflict(f"The boot volume {boot.id} is attached to {held[0].body['instanceId']}")
    if boot.state not in ("AVAILABLE", "FAULTY"):
        raise incorrect_state(f"boot volume {boot.id} is {boot.state}")
    joins = cloud.store.find("bootvolumeattachment", bootVolumeId=boot.id)
    held_by = joins[0].body["instanceId"] if joins else ""
    changed = boot.changed(lifecycleState="TERMINATING").knowing(instance_id=held_by)
    begin(cloud, cloud.store.put(changed), "delete_boot_volume", "DeleteBootVolume")


def get_boot_volume_attachment(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("bootvolumeattachment", call.path["id"])


def list_boot_volume_attachments(cloud: Tenancy, call: Call) -> list[StoredResource]:
    call.required_query("availabilityDomain")
    filters = ("availabilityDomain", "instanceId", "bootVolumeId")
    return listed_in_compartment(cloud, call, "bootvolumeattachment", filters)


def _clone(hardware: Hardware, job: StateTransition) -> Document:
    return {"bytes": hardware.capture_image(job.resource.hidden["cloned_from"], job.resource.id)}


def _cloned(cloud: Tenancy, boot: StoredResource, facts: Document) -> None:
    cloud.store.put(boot.changed(lifecycleState="AVAILABLE"))


def _not_cloned(cloud: Tenancy, boot: StoredResource) -> None:
    cloud.store.put(boot.changed(lifecycleState="FAULTY"))


def _delete(hardware: Hardware, job: StateTransition) -> Document:
    if job.resource.hidden["instance_id"]:
        hardware.delete_disk(job.resource.hidden["instance_id"])
    if job.resource.hidden.get("cloned_from"):
        hardware.delete_image(job.resource.id)
    return {}


def _deleted(cloud: Tenancy, boot: StoredResource, facts: Document) -> None:
    cloud.store.put(boot.changed(lifecycleState="TERMINATED"))


def _kept(cloud: Tenancy, boot: StoredResource) -> None:
    cloud.store.put(boot.changed(lifecycleState="AVAILABLE"))


CLONE = StateChange(_clone, _cloned, _not_cloned)
DELETE = StateChange(_delete, _deleted, _kept)
