"""What the records around an instance become when it appears or goes."""

from lab.api.core.call import Tenancy
from lab.api.core.store import StoredResource

JOINS = ("vnicattachment", "bootvolumeattachment")


def settle_attachments(cloud: Tenancy, instance_id: str, state: str) -> None:
    """Move the instance's VNIC and boot volume attachments to a state; a VNIC taken off earlier stays off."""
    for kind in JOINS:
        for joined in cloud.store.find(kind, instanceId=instance_id):
            if joined.state != "DETACHED":
                cloud.store.put(joined.changed(lifecycleState=state))


def forget_terminated(cloud: Tenancy) -> list[str]:
    """Remove the terminated instances and what was joined to them, as OCI does after a while; their OCIDs."""
    instance_ids = [one.id for one in cloud.store.find("instance") if one.state == "TERMINATED"]
    for instance_id in instance_ids:
        for kind in (*JOINS, "volumeattachment"):
            for joined in cloud.store.find(kind, instanceId=instance_id):
                cloud.store.remove(joined.id)
        cloud.store.remove(instance_id)
    return instance_ids


def terminated(cloud: Tenancy, instance: StoredResource) -> None:
    """An instance that is no more: addresses free, VNIC gone, boot volume too unless preserved."""
    for joined in cloud.store.find("bootvolumeattachment", instanceId=instance.id):
        if not instance.hidden.get("preserve_boot_volume"):
            boot = cloud.required("bootvolume", joined.body["bootVolumeId"])
            cloud.store.put(boot.changed(lifecycleState="TERMINATED"))
    for joined in cloud.store.find("vnicattachment", instanceId=instance.id):
        for address in cloud.store.find("privateip", vnicId=joined.body["vnicId"]):
            cloud.store.remove(address.id)
        cloud.store.remove(joined.body["vnicId"])
    settle_attachments(cloud, instance.id, "DETACHED")
    cloud.store.put(instance.changed(lifecycleState="TERMINATED"))
