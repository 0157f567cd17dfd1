"""oci_core_instance: launch, look, change, start and stop, terminate."""

from typing import Any

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.errors import CreationError, NotReadyError
from lab.provider.resources import work_requests
from lab.provider.resources.launch_details import VNIC, agent_details, launch_details
from lab.provider.resources.records import record_of
from lab.provider.resources.resource import deleted, ignored
from lab.provider.resources.waiting import made_ready, wait_for, wait_until_gone
from lab.provider.schema.values import Record

_CHANGEABLE = ("display_name", "fault_domain", "freeform_tags", "metadata", "shape")
_BLOCKS = ("agent_config", "instance_options", "shape_config")


class Instances:
    """Compute instances with their primary VNIC and boot volume."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Launch and wait for RUNNING. A launch that ends otherwise stays in the state as tainted.

        Raises CreationError.
        """
        answer = self._cloud.compute.launch_instance(launch_details(wanted))
        made = answer.data
        try:
            pending = ("PROVISIONING", "STARTING")
            ready = made_ready(lambda: self._get(made.id), made, pending, "RUNNING", deadline)
        except NotReadyError as error:
            instance = error.last or made
            message = work_requests.refusal(self._cloud, answer, instance) or str(error)
            raise CreationError(message, self._plain_record(instance)) from error
        return self._record(ready, {})

    def read(self, identity: str, current: Record) -> Record | None:
        """A TERMINATED instance has ended."""
        instance = self._get(identity)
        return None if instance.lifecycle_state == "TERMINATED" else self._record(instance, current)

    def look(self, identity: str) -> Record | None:
        """As read, for the data source, which embeds this resource and asks for no IPv6 addresses."""
        instance = self._get(identity)
        if instance.lifecycle_state == "TERMINATED":
            return None
        self._boot_volume(instance)
        vnic = self._vnic(instance)
        return {**record_of(instance), "private_ip": None if vnic is None else vnic.private_ip}

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Change the instance and its power; both wait for the instance to settle."""
        if set(changes) - {"state"}:
            answer = self._cloud.compute.update_instance(identity, _update_details(changes, wanted))
            work_requests.await_update(self._cloud, answer, deadline)
        if "state" in changes:
            target = changes["state"].upper()
            self._cloud.compute.instance_action(identity, "START" if target == "RUNNING" else "STOP")
            pending = ("RUNNING", "STOPPED", "STARTING", "STOPPING")
            wait_for(lambda: self._get(identity), "update", pending, target, deadline)
        return self._record(self._get(identity), wanted)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Terminate and wait for TERMINATED."""
        keep = bool(current.get("preserve_boot_volume"))
        if deleted(self._cloud.compute.terminate_instance, identity, preserve_boot_volume=keep):
            pending = ("RUNNING", "STOPPED", "STOPPING", "STARTING", "TERMINATING")
            wait_until_gone(lambda: self._get(identity), pending, "TERMINATED", deadline)

    def _get(self, identity: str) -> Any:
        return self._cloud.compute.get_instance(identity).data

    @staticmethod
    def _plain_record(instance: Any) -> Record:
        """The instance's own fields in the form of the state."""
        record = record_of(instance)
        for block in _BLOCKS:
            record[block] = [record[block]] if block in record else []
        source = record.pop("source_details", {})
        details = {
            "source_type": source.get("source_type", "image"),
            "source_id": source.get("image_id", instance.image_id),
        }
        return {**record, "source_details": [details]}

    def _record(self, instance: Any, current: Record) -> Record:
        record = self._plain_record(instance)
        if boot := self._boot_volume(instance):
            record["source_details"][0]["boot_volume_size_in_gbs"] = str(boot.size_in_gbs)
            record["boot_volume_id"] = boot.id
        if (vnic := self._vnic(instance)) is not None:
            ignored(lambda: self._cloud.network.list_ipv6s(vnic_id=vnic.id))
            details = {name: getattr(vnic, name) for name in VNIC}
            details["assign_public_ip"] = _public(current, vnic)
            record |= {"private_ip": vnic.private_ip, "create_vnic_details": [details]}
        return record

    def _boot_volume(self, instance: Any) -> Any:
        def look() -> Any:
            listed = self._cloud.compute.list_boot_volume_attachments(
                instance.availability_domain, instance.compartment_id, instance_id=instance.id
            ).data
            return self._cloud.storage.get_boot_volume(listed[0].boot_volume_id).data if listed else None

        return ignored(look)

    def _vnic(self, instance: Any) -> Any:
        """The primary VNIC; None when the instance is not RUNNING: the real provider looks only then."""
        if instance.lifecycle_state != "RUNNING":
            return None
        return ignored(lambda: primary_vnic(self._cloud, instance))


def primary_vnic(cloud: ProviderClients, instance: Any) -> Any:
    """The primary VNIC of an instance; None when it has none."""
    listed = cloud.compute.list_vnic_attachments(instance.compartment_id, instance_id=instance.id).data
    for attachment in listed:
        if attachment.lifecycle_state == "ATTACHED":
            vnic = cloud.network.get_vnic(attachment.vnic_id).data
            if vnic.is_primary:
                return vnic
    return None


def _public(current: Record, vnic: Any) -> str:
    """assign_public_ip says how the server was born; of an imported one the VNIC tells it."""
    details = current.get("create_vnic_details") or [{}]
    return str(details[0].get("assign_public_ip") or str(vnic.public_ip is not None).lower())


def _update_details(changes: Record, wanted: Record) -> Any:
    """What the real provider sends with every update goes along: agent, options, reservation."""
    models = oci.core.models
    arguments = {name: changes[name] for name in _CHANGEABLE if name in changes}
    if changes.get("shape_config"):
        arguments["shape_config"] = models.UpdateInstanceShapeConfigDetails(**changes["shape_config"][0])
    for agent in wanted.get("agent_config", []):
        arguments["agent_config"] = agent_details(models.UpdateInstanceAgentConfigDetails, agent)
    for options in wanted.get("instance_options", []):
        arguments["instance_options"] = models.InstanceOptions(**options)
    if wanted.get("capacity_reservation_id"):
        arguments["capacity_reservation_id"] = wanted["capacity_reservation_id"]
    return models.UpdateInstanceDetails(**arguments)
