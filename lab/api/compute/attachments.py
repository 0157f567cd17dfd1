"""Volume attachments: iSCSI, and never two read/write ones of a volume that is not shareable.

Source: https://docs.oracle.com/en-us/iaas/Content/Block/Tasks/attachingavolume.htm
"""

from typing import Any

from lab.api.core.call import Call, Tenancy, listed_in_compartment
from lab.api.core.errors import conflict, incorrect_state, invalid, limit_exceeded, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

KIND = "volumeattachment"
MOST_ATTACHMENTS = 32
# isAgentAutoIscsiLoginEnabled is kept and shown: the login itself is the agent's, which no guest has
MODELLED = ("displayName", "instanceId", "isAgentAutoIscsiLoginEnabled", "isShareable", "type", "volumeId")
FILTERS = ("availabilityDomain", "instanceId", "volumeId")


def live_attachments_of(cloud: Tenancy, **where: Any) -> list[StoredResource]:
    """Attachments that are not DETACHED, by wire fields (volumeId=, instanceId=)."""
    return [one for one in cloud.store.find(KIND, **where) if one.state != "DETACHED"]


def attach_volume(cloud: Tenancy, call: Call) -> StoredResource:
    """AttachVolume. Refuses a second attachment as OCI does (409); 501 for other types than iSCSI."""
    call.modelled(*MODELLED)
    if call.text("type") != "iscsi":
        raise not_modelled(f"attachments of type {call.body['type']}")
    volume = cloud.required("volume", call.text("volumeId"))
    instance = cloud.required("instance", call.text("instanceId"))
    shareable = bool(call.body.get("isShareable"))
    _check(cloud, volume, instance, shareable)
    attachment = cloud.store.put(attachment_record(cloud, call.body, volume, instance))
    begin(cloud, attachment, "attach", "AttachVolume")
    return attachment


def _check(cloud: Tenancy, volume: StoredResource, instance: StoredResource, shareable: bool) -> None:
    if volume.state != "AVAILABLE":
        raise incorrect_state(f"volume {volume.id} is {volume.state}: only an AVAILABLE one can be attached")
    if instance.state not in ("RUNNING", "STOPPED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}: it must be RUNNING or STOPPED")
    if volume.body["availabilityDomain"] != instance.body["availabilityDomain"]:
        raise invalid(
            f"volume {volume.id} is in {volume.body['availabilityDomain']} and instance {instance.id} in"
            f" {instance.body['availabilityDomain']}: they must be in the same availability domain"
        )
    _check_holders(cloud, volume, instance, shareable)
    if len(live_attachments_of(cloud, instanceId=instance.id)) >= MOST_ATTACHMENTS:
        raise limit_exceeded(f"instance {instance.id} has {MOST_ATTACHMENTS} volumes attached: no more fit")


def _check_holders(cloud: Tenancy, volume: StoredResource, instance: StoredResource, shareable: bool) -> None:
    holders = live_attachments_of(cloud, volumeId=volume.id)
    if any(one.body["instanceId"] == instance.id for one in holders):
        raise conflict(f"The volume {volume.id} is already attached to instance {instance.id}")
    if shareable and holders and all(one.body["isShareable"] for one in holders):
        raise not_modelled("a volume attached to two instances")
    if holders:
        raise conflict(
            f"The volume {volume.id} cannot be attached, because one of the volume attachments is not"
            " configured as shareable"
        )


def attachment_record(
    cloud: Tenancy, details: Document, volume: StoredResource, instance: StoredResource
) -> StoredResource:
    """An attachment's record, ATTACHING; its portal is known when it is ATTACHED."""
    ocid = details.get("id") or new_ocid(KIND)
    body = {
        "attachmentType": "iscsi",
        "id": ocid,
        "availabilityDomain": instance.body["availabilityDomain"],
        "compartmentId": instance.body["compartmentId"],  # of the instance, whatever the volume's is
        "displayName": details.get("displayName") or f"volumeattachment-{ocid[-8:]}",
        "instanceId": instance.id,
        "volumeId": volume.id,
        "lifecycleState": "ATTACHING",
        "timeCreated": timestamp(),
        "device": None,
        "isReadOnly": False,
        "isShareable": bool(details.get("isShareable")),
        "isPvEncryptionInTransitEnabled": False,
        "isEncryptionInTransitEnabled": False,
        "isMultipath": False,
        "isVolumeCreatedDuringLaunch": False,
        "iscsiLoginState": "UNKNOWN",
        "isAgentAutoIscsiLoginEnabled": bool(details.get("isAgentAutoIscsiLoginEnabled")),
        "encryptionInTransitType": "NONE",
        "multipathDevices": [],
        "chapUsername": None,
        "chapSecret": None,
        "iqn": None,
        "ipv4": None,
        "ipv6": None,
        "port": None,
    }
    return StoredResource(ocid, KIND, body)


def get_volume_attachment(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(KIND, call.path["id"])


def list_volume_attachments(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, KIND, FILTERS)


def detach_volume(cloud: Tenancy, call: Call) -> None:
    """DetachVolume. Refuses one that is not ATTACHED: 409 Conflict, or IncorrectState while it changes."""
    attachment = cloud.required(KIND, call.path["id"])
    if attachment.state == "DETACHED":
        raise conflict(f"volume attachment {attachment.id} is not currently attached")
    if attachment.state != "ATTACHED":
        raise incorrect_state(f"volume attachment {attachment.id} is {attachment.state}: it must be ATTACHED")
    begin(cloud, cloud.store.put(attachment.changed(lifecycleState="DETACHING")), "detach", "DetachVolume")


def _attach(hardware: Hardware, job: StateTransition) -> Document:
    body = job.resource.body
    portal = hardware.attach(body["volumeId"], body["instanceId"])
    return {"iqn": portal.iqn, "ipv4": portal.address, "port": portal.port}


def _attached(cloud: Tenancy, attachment: StoredResource, facts: Document) -> None:
    cloud.store.put(attachment.changed(lifecycleState="ATTACHED", **facts))


def _detach(hardware: Hardware, job: StateTransition) -> Document:
    hardware.detach(job.resource.body["volumeId"], job.resource.body["instanceId"])
    return {}


def _detached(cloud: Tenancy, attachment: StoredResource, facts: Document) -> None:
    cloud.store.put(attachment.changed(lifecycleState="DETACHED"))


def _still_attached(cloud: Tenancy, attachment: StoredResource) -> None:
    cloud.store.put(attachment.changed(lifecycleState="ATTACHED"))


ATTACH = StateChange(_attach, _attached, lambda cloud, attachment: _detached(cloud, attachment, {}))
DETACH = StateChange(_detach, _detached, _still_attached)
