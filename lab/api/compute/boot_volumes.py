"""Boot volumes and their attachments: made with an instance, read here, deleted when they were preserved."""

from lab.api.core.call import Call, Tenancy, listed, listed_in_compartment
from lab.api.core.errors import conflict, incorrect_state
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware


def get_boot_volume(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("bootvolume", call.path["id"])


def list_boot_volumes(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed(cloud, call, "bootvolume", ("availabilityDomain",))


def delete_boot_volume(cloud: Tenancy, call: Call) -> None:
    """DeleteBootVolume. Refuses one that is attached or not AVAILABLE (409)."""
    boot = cloud.required("bootvolume", call.path["id"])
    joins = cloud.store.find("bootvolumeattachment", bootVolumeId=boot.id)
    if any(one.state != "DETACHED" for one in joins):
        raise conflict(f"The boot volume {boot.id} is attached to {joins[0].body['instanceId']}")
    if boot.state != "AVAILABLE":
        raise incorrect_state(f"boot volume {boot.id} is {boot.state}")
    changed = boot.changed(lifecycleState="TERMINATING").knowing(instance_id=joins[0].body["instanceId"])
    begin(cloud, cloud.store.put(changed), "delete_boot_volume", "DeleteBootVolume")


def get_boot_volume_attachment(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("bootvolumeattachment", call.path["id"])


def list_boot_volume_attachments(cloud: Tenancy, call: Call) -> list[StoredResource]:
    call.required_query("availabilityDomain")
    filters = ("availabilityDomain", "instanceId", "bootVolumeId")
    return listed_in_compartment(cloud, call, "bootvolumeattachment", filters)


def _delete(hardware: Hardware, job: StateTransition) -> Document:
    hardware.delete_disk(job.resource.hidden["instance_id"])
    return {}


def _deleted(cloud: Tenancy, boot: StoredResource, facts: Document) -> None:
    cloud.store.put(boot.changed(lifecycleState="TERMINATED"))


def _kept(cloud: Tenancy, boot: StoredResource) -> None:
    cloud.store.put(boot.changed(lifecycleState="AVAILABLE"))


DELETE = StateChange(_delete, _deleted, _kept)
