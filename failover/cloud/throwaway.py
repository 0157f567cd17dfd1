"""Throw-away servers through the API: launched, given volumes, terminated. Terraform never knows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import oci

from failover.cloud.acting import NotFound, acting, listed, settled
from failover.cloud.compute import attachment_of
from failover.model.attachments import Attachment
from failover.model.stack_output import Launch

_MOVING = ("PROVISIONING", "STARTING", "STOPPING", "CREATING_IMAGE", "MOVING")
_KEYS = "ssh_authorized_keys"


@dataclass(frozen=True)
class ThrowAway:
    """An instance as the API has it; `domain`: its availability domain; `tags`: its freeform tags."""

    id: str
    name: str
    state: str
    domain: str
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


class ThrowAwayServers:
    """Instances and attachments of one region. Raises Failed for a refusal, Unknown for what was not learnt.

    `client`: opens a client of the SDK (failover.cloud.compute.Cloud.client).
    """

    def __init__(self, client: Callable[[Any], Any]) -> None:
        self._compute = client(oci.core.ComputeClient)
        self._storage = client(oci.core.BlockstorageClient)
        self._network = client(oci.core.VirtualNetworkClient)

    def keys_of(self, instance_id: str) -> str:
        """GetInstance: the public SSH keys in its metadata; empty where there are none."""
        instance = acting("GetInstance", self._compute.get_instance, instance_id)
        return str((instance.metadata or {}).get(_KEYS) or "")

    def instances(self, compartment_id: str) -> tuple[ThrowAway, ...]:
        """ListInstances: those that are not TERMINATED."""
        instances = listed("ListInstances", self._compute.list_instances, compartment_id)
        return tuple(
            ThrowAway(
                i.id,
                i.display_name or "",
                i.lifecycle_state,
                i.availability_domain,
                i.time_created,
                i.freeform_tags or {},
            )
            for i in instances
            if i.lifecycle_state != "TERMINATED"
        )

    def launch(
        self, compartment_id: str, name: str, launch: Launch, keys: str, tags: Mapping[str, str], wait: float
    ) -> str:
        """LaunchInstance, and wait until it is RUNNING; its OCID. It has no server's address or name.

        Raises Failed for one that ends otherwise (out of capacity).
        """
        models = oci.core.models
        shape = (
            models.LaunchInstanceShapeConfigDetails(ocpus=launch.ocpus, memory_in_gbs=launch.memory_gbs)
            if launch.ocpus
            else None
        )
        details = models.LaunchInstanceDetails(
            availability_domain=launch.availability_domain,
            compartment_id=compartment_id,
            display_name=name,
            shape=launch.shape,
            shape_config=shape,
            source_details=models.InstanceSourceViaImageDetails(image_id=launch.image_id),
            create_vnic_details=models.CreateVnicDetails(
                subnet_id=launch.subnet_id,
                assign_public_ip=False,
                nsg_ids=list(launch.nsg_ids),
                freeform_tags=dict(tags),
            ),
            metadata={_KEYS: keys} if keys else {},
            freeform_tags=dict(tags),
        )
        made = acting("LaunchInstance", self._compute.launch_instance, details)
        return str(self.settle(made.id, wait).id)

    def settle(self, instance_id: str, wait: float, states: Sequence[str] = ("RUNNING",)) -> Any:
        """The instance once it no longer changes. Raises Failed for another state than these."""
        read = partial(acting, "GetInstance", self._compute.get_instance, instance_id)
        return settled("instance", read, states, _MOVING, wait)

    def address(self, compartment_id: str, instance_id: str) -> str:
        """ListVnicAttachments and GetVnic: its primary private address. Raises NotFound without one."""
        ask = self._compute.list_vnic_attachments
        for one in listed("ListVnicAttachments", ask, compartment_id, instance_id=instance_id):
            vnic = acting("GetVnic", self._network.get_vnic, one.vnic_id)
            if vnic.is_primary:
                return str(vnic.private_ip)
        raise NotFound(f"instance {instance_id} shows no primary VNIC", "look at its VNICs in the console")

    def boot_volumes(self, compartment_id: str, domain: str, instance_id: str) -> tuple[str, ...]:
        """ListBootVolumeAttachments: the OCIDs of its boot volumes."""
        ask = self._compute.list_boot_volume_attachments
        attachments = listed(
            "ListBootVolumeAttachments", ask, domain, compartment_id, instance_id=instance_id
        )
        return tuple(one.boot_volume_id for one in attachments)

    def boot_volume_left(self, boot_volume_id: str) -> bool:
        """GetBootVolume: whether it is still there. A 404 after its instance was terminated is its end."""
        try:
            volume = acting("GetBootVolume", self._storage.get_boot_volume, boot_volume_id)
        except NotFound:
            return False
        return str(volume.lifecycle_state) not in ("TERMINATED", "TERMINATING")

    def terminate(self, instance_id: str, wait: float) -> None:
        """TerminateInstance with its boot volume, and wait until it is gone. Not there is success."""
        try:
            instance = self.settle(instance_id, wait, ("RUNNING", "STOPPED", "TERMINATING", "TERMINATED"))
            if instance.lifecycle_state in ("RUNNING", "STOPPED"):
                terminate = self._compute.terminate_instance
                acting("TerminateInstance", terminate, instance_id, preserve_boot_volume=False, but=(404,))
            read = partial(acting, "GetInstance", self._compute.get_instance, instance_id)
            moving = ("RUNNING", "STOPPED", "TERMINATING", *_MOVING)
            settled("instance", read, ("TERMINATED",), moving, wait)
        except NotFound:
            return

    def attach(self, volume_ids: Sequence[str], instance_id: str, wait: float) -> dict[str, Attachment]:
        """AttachVolume of each over iSCSI, and wait until all are ATTACHED; by volume OCID."""
        details = partial(oci.core.models.AttachIScsiVolumeDetails, instance_id=instance_id)
        made = {
            ocid: acting("AttachVolume", self._compute.attach_volume, details(volume_id=ocid)).id
            for ocid in volume_ids
        }
        read = self._compute.get_volume_attachment
        return {
            ocid: attachment_of(
                settled(
                    "volume attachment",
                    partial(acting, "GetVolumeAttachment", read, one),
                    ("ATTACHED",),
                    ("ATTACHING", "DETACHING"),
                    wait,
                )
            )
            for ocid, one in made.items()
        }

    def detach(self, attachment_id: str, wait: float) -> None:
        """DetachVolume, and wait until it is DETACHED. Not attached is success."""
        read = partial(acting, "GetVolumeAttachment", self._compute.get_volume_attachment, attachment_id)
        try:
            settled("volume attachment", read, ("ATTACHED", "DETACHED"), ("ATTACHING", "DETACHING"), wait)
            acting("DetachVolume", self._compute.detach_volume, attachment_id, but=(404, 409))
            moving = ("ATTACHED", "ATTACHING", "DETACHING")
            settled("volume attachment", read, ("DETACHED",), moving, wait)
        except NotFound:
            return
