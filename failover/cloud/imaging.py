"""The OCI calls of `invoke image`: a clone of a boot volume, an instance that boots it, an image of that one.

All that is made has TAG, so that what a run leaves behind is found by any other. Raises Unknown for what the
API does not answer, Failed for what came to a wrong end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import oci

from failover.cloud.acting import acting
from failover.cloud.client import POLL_SECONDS, pages
from failover.cloud.compute import Cloud
from failover.deadline import until
from failover.model.host.image_contents import TAG, TAG_OF
from failover.model.instance_states import ENDED, ENDING_OR_ENDED
from failover.model.outcome import Failed, Refused, Unknown

LARGEST_GB = 400  # of a custom image (Managing Custom Images, limitations)
_models = oci.core.models


@dataclass(frozen=True)
class ImageSource:
    """The server that an image is to be of, by the API. `boot_volume_gbs`: its boot volume's size."""

    id: str
    name: str
    state: str
    compartment_id: str
    availability_domain: str
    shape: str
    ocpus: float | None
    memory_gbs: float | None
    boot_volume_id: str
    boot_volume_gbs: int
    subnet_id: str


@dataclass(frozen=True)
class Leftover:
    """An instance or boot volume that a run made and did not take away. `run`: the value of TAG."""

    id: str
    name: str
    state: str
    run: str


@dataclass(frozen=True)
class MadeImage:
    """A custom image. `created` is in UTC; `run` is empty for one that another tool made."""

    id: str
    name: str
    state: str
    created: datetime
    run: str
    of: str


class Imaging:
    """Acts through the clients of `cloud`, with its patience."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._compute = cloud.client(oci.core.ComputeClient)
        self._storage = cloud.client(oci.core.BlockstorageClient)
        self._network = cloud.client(oci.core.VirtualNetworkClient)

    def source(self, instance_id: str) -> ImageSource:
        """The instance, its boot volume and the subnet of its primary VNIC. Raises Failed without any."""
        instance = self._call(f"GetInstance of {instance_id}", self._compute.get_instance, instance_id)
        place = (instance.availability_domain, instance.compartment_id)
        joined = self._all(
            "ListBootVolumeAttachments",
            self._compute.list_boot_volume_attachments,
            *place,
            instance_id=instance_id,
        )
        live = [one for one in joined if one.lifecycle_state == "ATTACHED"]
        if not live:
            raise Failed(
                f"instance {instance_id} has no boot volume that is ATTACHED", "look at it in the console"
            )
        boot = self._call("GetBootVolume", self._storage.get_boot_volume, live[0].boot_volume_id)
        shape = instance.shape_config
        return ImageSource(
            instance.id,
            instance.display_name,
            instance.lifecycle_state,
            instance.compartment_id,
            instance.availability_domain,
            instance.shape,
            shape.ocpus if shape else None,
            shape.memory_in_gbs if shape else None,
            boot.id,
            int(boot.size_in_gbs or 0),
            self._subnet(instance.id, instance.compartment_id),
        )

    def _subnet(self, instance_id: str, compartment_id: str) -> str:
        joined = self._all(
            "ListVnicAttachments",
            self._compute.list_vnic_attachments,
            compartment_id,
            instance_id=instance_id,
        )
        for one in joined:
            if one.lifecycle_state == "ATTACHED":
                vnic = self._call("GetVnic", self._network.get_vnic, one.vnic_id)
                if vnic.is_primary:
                    return str(vnic.subnet_id)
        raise Failed(f"instance {instance_id} has no primary VNIC by the API", "look at it in the console")

    def clone(self, source: ImageSource, name: str, run: str, seconds: float) -> str:
        """A clone of the boot volume as its disk is now, AVAILABLE; its OCID. The server is not disturbed."""
        details = _models.CreateBootVolumeDetails(
            availability_domain=source.availability_domain,
            compartment_id=source.compartment_id,
            display_name=name,
            freeform_tags={TAG: run},
            source_details=_models.BootVolumeSourceFromBootVolumeDetails(id=source.boot_volume_id),
        )
        made = acting("CreateBootVolume", self._storage.create_boot_volume, details)
        self._until("boot volume", made.id, lambda: self._boot_state(made.id), ("AVAILABLE",), seconds)
        return str(made.id)

    def launch(self, source: ImageSource, boot_volume_id: str, name: str, run: str, seconds: float) -> str:
        """An instance of the source's shape that boots the clone, RUNNING; its OCID. No agent acts on it."""
        shape = None
        if source.ocpus and ".Flex" in source.shape:
            shape = _models.LaunchInstanceShapeConfigDetails(
                ocpus=source.ocpus, memory_in_gbs=source.memory_gbs
            )
        details = _models.LaunchInstanceDetails(
            availability_domain=source.availability_domain,
            compartment_id=source.compartment_id,
            shape=source.shape,
            shape_config=shape,
            display_name=name,
            freeform_tags={TAG: run},
            create_vnic_details=_models.CreateVnicDetails(subnet_id=source.subnet_id, assign_public_ip=False),
            source_details=_models.InstanceSourceViaBootVolumeDetails(boot_volume_id=boot_volume_id),
            agent_config=_models.LaunchInstanceAgentConfigDetails(are_all_plugins_disabled=True),
        )
        made = acting("LaunchInstance", self._compute.launch_instance, details)
        self._until("instance", made.id, lambda: self._cloud.instance_state(made.id), ("RUNNING",), seconds)
        return str(made.id)

    def console_line(self, instance_id: str, words: str, seconds: float) -> str:
        """The console's line with these words. Raises Unknown when it does not come in time."""
        text = until(
            lambda: self._cloud.console(instance_id), lambda console: words in console, seconds, (2.0, 5.0)
        )
        lines = [line.strip() for line in text.replace("\r", "").splitlines() if words in line]
        if not lines:
            tail = " / ".join(text.replace("\r", "").splitlines()[-3:])
            raise Unknown(
                f"the console of {instance_id} did not say {words!r} within {seconds:.0f} s; "
                f"its last lines: {tail}",
                "look at that instance's console history, then run the same command again",
            )
        return lines[-1][lines[-1].index(words) :]

    def shut_down(self, instance_id: str, seconds: float) -> None:
        """SOFTSTOP, so that its disk is written; waits for STOPPED."""
        call = f"InstanceAction SOFTSTOP of {instance_id}"
        self._cloud.call(call, self._compute.instance_action, instance_id, "SOFTSTOP", but=(409,))
        self._until(
            "instance", instance_id, lambda: self._cloud.instance_state(instance_id), ("STOPPED",), seconds
        )

    def create(
        self, compartment_id: str, instance_id: str, name: str, tags: Mapping[str, str], seconds: float
    ) -> str:
        """An image of the instance, AVAILABLE; its OCID. Raises Refused for one that is locked (409)."""
        image_id = self.begin(compartment_id, instance_id, name, tags)
        self.await_image(image_id, seconds)
        return image_id

    def begin(self, compartment_id: str, instance_id: str, name: str, tags: Mapping[str, str]) -> str:
        """CreateImage; the OCID of an image that is not whole yet. Raises Refused for a 409."""
        details = _models.CreateImageDetails(
            compartment_id=compartment_id,
            instance_id=instance_id,
            display_name=name,
            freeform_tags=dict(tags),
        )
        made = acting("CreateImage", self._compute.create_image, details, but=(409,))
        if made is None:
            raise Refused(
                f"OCI takes no image of {instance_id} now: it is being imaged, or was within 20 minutes",
                "wait, then run the same command again",
            )
        return str(made.id)

    def await_captured(self, instance_id: str, image_id: str, seconds: float) -> None:
        """Wait until the instance that is imaged is RUNNING again. OCI may be slow to show that it began.

        Raises Unknown at the deadline.
        """
        states: list[str] = []

        def read() -> bool:
            states.append(self._cloud.instance_state(instance_id))
            moving = ("PROVISIONING", "IMPORTING")
            begun = "CREATING_IMAGE" in states or self.image(image_id).state not in moving
            return begun and states[-1] == "RUNNING"

        if not until(read, bool, seconds, POLL_SECONDS):
            raise Unknown(
                f"instance {instance_id} is {states[-1]} after {seconds:.0f} s of imaging, expected RUNNING",
                "look at it in the console; start it when it is STOPPED: the service comes back by itself",
            )

    def await_image(self, image_id: str, seconds: float) -> None:
        """Wait until an image that is being taken is AVAILABLE."""
        self._until("image", image_id, lambda: self.image(image_id).state, ("AVAILABLE",), seconds)

    def image(self, image_id: str) -> MadeImage:
        """GetImage."""
        return _image(self._call(f"GetImage of {image_id}", self._compute.get_image, image_id))

    def images(self, compartment_id: str) -> tuple[MadeImage, ...]:
        """ListImages: the custom ones of this compartment that are not deleted."""
        images = self._all("ListImages", self._compute.list_images, compartment_id)
        custom = [one for one in images if one.compartment_id and one.lifecycle_state != "DELETED"]
        return tuple(map(_image, custom))

    def delete_image(self, image_id: str) -> None:
        """DeleteImage. Gone already is success."""
        self._cloud.call("DeleteImage", self._compute.delete_image, image_id, but=(404,))

    def instances_left(self, compartment_id: str) -> tuple[Leftover, ...]:
        """The instances that runs of `invoke image` made and that are not TERMINATED.

        One that is TERMINATING still has its boot volume attached: OCI deletes neither before it has ended.
        """
        instances = self._all("ListInstances", self._compute.list_instances, compartment_id)
        living = (one for one in instances if one.lifecycle_state != ENDED)
        return tuple(_leftover(one) for one in living if _ours(one))

    def volumes_left(self, source: ImageSource) -> tuple[Leftover, ...]:
        """The boot volumes that runs of `invoke image` made and that are still there."""
        volumes = self._all(
            "ListBootVolumes",
            self._storage.list_boot_volumes,
            availability_domain=source.availability_domain,
            compartment_id=source.compartment_id,
        )
        ended = ("TERMINATED", "TERMINATING")
        return tuple(_leftover(one) for one in volumes if _ours(one) and one.lifecycle_state not in ended)

    def terminate(self, instance_id: str, seconds: float) -> None:
        """Terminate what this tool launched, with its boot volume; waits until it is TERMINATED.

        A change that is under way (an image that is being taken) is waited for first. Raises Unknown at the
        deadline, and for an instance that the API does not show.
        """
        stays = ("RUNNING", "STOPPED", *ENDING_OR_ENDED)
        self._until("instance", instance_id, lambda: self._cloud.instance_state(instance_id), stays, seconds)
        call = f"TerminateInstance of {instance_id}"
        self._cloud.call(
            call, self._compute.terminate_instance, instance_id, preserve_boot_volume=False, but=(404, 409)
        )
        self._cloud.await_ended(instance_id, seconds)

    def delete_boot_volume(self, boot_volume_id: str, seconds: float) -> None:
        """Delete a clone that no instance has. Gone already is success."""
        settled = ("AVAILABLE", "FAULTY", "TERMINATED", "TERMINATING")
        self._until("boot volume", boot_volume_id, lambda: self._boot_state(boot_volume_id), settled, seconds)
        self._cloud.call("DeleteBootVolume", self._storage.delete_boot_volume, boot_volume_id, but=(404,))

    def _boot_state(self, boot_volume_id: str) -> str:
        volume = self._call(
            f"GetBootVolume of {boot_volume_id}", self._storage.get_boot_volume, boot_volume_id
        )
        return str(volume.lifecycle_state)

    def _until(
        self, kind: str, ocid: str, read: Callable[[], str], wanted: tuple[str, ...], seconds: float
    ) -> None:
        ends = ("FAULTY", "TERMINATED", "DELETED")
        last_state = until(read, lambda state: state in (*wanted, *ends), seconds, POLL_SECONDS)
        if last_state in wanted:
            return
        if last_state in ends:
            raise Failed(f"{kind} {ocid} is {last_state}, expected {wanted[0]}", "run the same command again")
        raise Unknown(
            f"{kind} {ocid} is {last_state} after {seconds:.0f} s, expected {wanted[0]}",
            "look at it in the console; then run the same command again",
        )

    def _call(self, operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self._cloud.call(operation, function, *args, **options).data

    def _all(self, operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        return pages(self._cloud.call, operation, function, *args, **options)


def _ours(resource: Any) -> bool:
    return TAG in (resource.freeform_tags or {})


def _leftover(resource: Any) -> Leftover:
    return Leftover(resource.id, resource.display_name, resource.lifecycle_state, resource.freeform_tags[TAG])


def _image(image: Any) -> MadeImage:
    tags = image.freeform_tags or {}
    return MadeImage(
        image.id,
        image.display_name,
        image.lifecycle_state,
        image.time_created,
        tags.get(TAG, ""),
        tags.get(TAG_OF, ""),
    )
