"""Custom images: an instance's boot disk, taken while the instance is CREATING_IMAGE."""

import time

from lab.api.core.answer import Accepted
from lab.api.core.call import Call, Tenancy, listed_in_compartment, tags
from lab.api.core.errors import conflict, incorrect_state
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

MODELLED = ("compartmentId", "definedTags", "displayName", "freeformTags", "instanceId", "launchMode")
FILTERS = ("displayName", "operatingSystem", "operatingSystemVersion", "lifecycleState")
LOCKOUT_SECONDS = 1200.0  # no second image of one instance within 20 minutes; scaled by delay_factor


def image_record(cloud: Tenancy, ocid: str, name: str, state: str, size_bytes: int = 0) -> StoredResource:
    """An image's record; the base image is in the compartment like any other."""
    body: Document = {
        "id": ocid,
        "compartmentId": cloud.world.compartment_id,
        "displayName": name,
        "lifecycleState": state,
        "timeCreated": timestamp(),
        "baseImageId": None,
        "createImageAllowed": True,
        "launchMode": "NATIVE",
        "launchOptions": None,
        "operatingSystem": "Debian",
        "operatingSystemVersion": "12",
        "agentFeatures": None,
        "listingType": None,
        "sizeInMBs": size_bytes // 2**20,
        "billableSizeInGBs": -(-size_bytes // 2**30),
        "freeformTags": {},
        "definedTags": {},
    }
    return StoredResource(ocid, "image", body)


def create_image(cloud: Tenancy, call: Call) -> Accepted:
    """CreateImage. Refuses an instance that cannot be captured now (409), an unknown compartment (404)."""
    call.modelled(*MODELLED)
    cloud.require_compartment(call.text("compartmentId"))
    instance = cloud.required("instance", call.text("instanceId"))
    if instance.state not in ("RUNNING", "STOPPED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}: it must be RUNNING or STOPPED")
    _check_lockout(cloud, instance)
    ocid = new_ocid("image")
    record = image_record(cloud, ocid, call.body.get("displayName") or f"image-{ocid[-8:]}", "PROVISIONING")
    image = record.changed(baseImageId=instance.body["imageId"], **tags(call.body))
    held = image.knowing(instance_id=instance.id, state_before=instance.state)
    stored = cloud.store.put(held)
    cloud.store.put(instance.changed(lifecycleState="CREATING_IMAGE").knowing(imaged=time.time()))
    return Accepted(stored, begin(cloud, stored, "capture_image", "CreateImage"))


def _check_lockout(cloud: Tenancy, instance: StoredResource) -> None:
    free_at = instance.hidden.get("imaged", 0.0) + LOCKOUT_SECONDS * cloud.world.delay_factor
    if time.time() < free_at:
        raise conflict(f"instance {instance.id} had an image taken less than 20 minutes ago")


def get_image(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("image", call.path["id"])


def list_images(cloud: Tenancy, call: Call) -> list[StoredResource]:
    images = listed_in_compartment(cloud, call, "image", FILTERS)
    return images if call.query.get("lifecycleState") else [one for one in images if one.state != "DELETED"]


def delete_image(cloud: Tenancy, call: Call) -> Accepted:
    """DeleteImage. Refuses one that is not AVAILABLE (409 IncorrectState)."""
    image = cloud.required("image", call.path["id"])
    if image.state != "AVAILABLE":
        raise incorrect_state(f"image {image.id} is {image.state}")
    # DISABLED is the nearest that the SDK has for one on its way out
    changed = cloud.store.put(image.changed(lifecycleState="DISABLED"))
    return Accepted(None, begin(cloud, changed, "delete_image", "DeleteImage"))


def _capture(hardware: Hardware, job: StateTransition) -> Document:
    return {"bytes": hardware.capture_image(job.resource.hidden["instance_id"], job.resource.id)}


def _captured(cloud: Tenancy, image: StoredResource, facts: Document) -> None:
    size = facts["bytes"]
    sizes = {"sizeInMBs": size // 2**20, "billableSizeInGBs": -(-size // 2**30)}
    cloud.store.put(image.changed(lifecycleState="AVAILABLE", **sizes))
    _give_back(cloud, image)


def _not_captured(cloud: Tenancy, image: StoredResource) -> None:
    cloud.store.put(image.changed(lifecycleState="DELETED"))
    _give_back(cloud, image)


def _give_back(cloud: Tenancy, image: StoredResource) -> None:
    instance = cloud.required("instance", image.hidden["instance_id"])
    cloud.store.put(instance.changed(lifecycleState=image.hidden["state_before"]))


def _delete(hardware: Hardware, job: StateTransition) -> Document:
    hardware.delete_image(job.resource.id)
    return {}


def _deleted(cloud: Tenancy, image: StoredResource, facts: Document) -> None:
    cloud.store.put(image.changed(lifecycleState="DELETED"))


def _kept(cloud: Tenancy, image: StoredResource) -> None:
    cloud.store.put(image.changed(lifecycleState="AVAILABLE"))


CAPTURE = StateChange(_capture, _captured, _not_captured)
DELETE = StateChange(_delete, _deleted, _kept)
