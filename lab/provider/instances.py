"""oci_core_instance: launch, look, change, start and stop, terminate."""

from typing import Any

import oci

from lab.provider.cloud import Cloud
from lab.provider.errors import API_ERRORS, CreationError, NotReadyError, is_missing
from lab.provider.records import nested_tags, record_of
from lab.provider.resource import deleted
from lab.provider.values import Record
from lab.provider.waiting import wait_for, wait_until_gone

_SCALARS = (
    "availability_domain",
    "capacity_reservation_id",
    "compartment_id",
    "defined_tags",
    "display_name",
    "fault_domain",
    "freeform_tags",
    "metadata",
    "shape",
)
_CHANGEABLE = ("display_name", "fault_domain", "freeform_tags", "metadata", "shape")
_VNIC = ("hostname_label", "nsg_ids", "private_ip", "subnet_id")


class Instances:
    """Compute instances with their primary VNIC and boot volume."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Launch and wait for RUNNING. A launch that ends otherwise stays in the state as tainted."""
        made = self._cloud.compute.launch_instance(_launch_details(wanted)).data
        try:
            self._wait(made.id, ("PROVISIONING", "STARTING"), "RUNNING", deadline)
        except NotReadyError as error:
            raise CreationError(str(error), record_of(made)) from error
        return self._record(made.id)

    def read(self, identity: str) -> Record | None:
        """A TERMINATED instance has ended."""
        record = self._record(identity)
        return None if record["state"] == "TERMINATED" else record

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Change the instance and its power; both wait for the instance to settle."""
        arguments = {name: changes[name] for name in _CHANGEABLE if name in changes}
        if changes.get("shape_config"):
            arguments["shape_config"] = oci.core.models.UpdateInstanceShapeConfigDetails(
                **changes["shape_config"][0]
            )
        if arguments:
            self._cloud.compute.update_instance(identity, oci.core.models.UpdateInstanceDetails(**arguments))
        if "state" in changes:
            action = "START" if changes["state"].upper() == "RUNNING" else "STOP"
            self._cloud.compute.instance_action(identity, action)
            pending = ("RUNNING", "STOPPED", "STARTING", "STOPPING")
            self._wait(identity, pending, changes["state"].upper(), deadline)
        return self._record(identity)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Terminate and wait for TERMINATED."""
        keep = bool(current.get("preserve_boot_volume"))
        if deleted(self._cloud.compute.terminate_instance, identity, preserve_boot_volume=keep):
            pending = ("RUNNING", "STOPPED", "STOPPING", "STARTING", "TERMINATING")
            wait_until_gone(
                lambda: self._get(identity), f"instance {identity}", pending, "TERMINATED", deadline
            )

    def _get(self, identity: str) -> Any:
        return self._cloud.compute.get_instance(identity).data

    def _wait(self, identity: str, pending: tuple[str, ...], target: str, deadline: float) -> None:
        wait_for(lambda: self._get(identity), f"instance {identity}", pending, target, deadline)

    def _record(self, identity: str) -> Record:
        found = self._get(identity)
        record = record_of(found)
        for block in ("agent_config", "shape_config"):
            record[block] = [record[block]] if block in record else []
        record.update(self._boot_volume(found, record.pop("source_details", {})))
        record.update(self._network(found))
        return record

    def _boot_volume(self, found: Any, source: Record) -> Record:
        listed = self._cloud.compute.list_boot_volume_attachments(
            found.availability_domain, found.compartment_id, instance_id=found.id
        ).data
        details: Record = {
            "source_type": source.get("source_type", "image"),
            "source_id": source.get("image_id", found.image_id),
        }
        if not listed:
            return {"source_details": [details]}
        try:
            volume = self._cloud.storage.get_boot_volume(listed[0].boot_volume_id).data
        except API_ERRORS as error:
            if not is_missing(error):
                raise
            return {"source_details": [details]}
        details["boot_volume_size_in_gbs"] = str(volume.size_in_gbs)
        return {"source_details": [details], "boot_volume_id": volume.id}

    def _network(self, found: Any) -> Record:
        if found.lifecycle_state != "RUNNING":
            return {}  # the real provider looks at the VNIC of a running instance only
        vnic = primary_vnic(self._cloud, found)
        if vnic is None:
            return {}
        details = {name: getattr(vnic, name) for name in _VNIC}
        return {"private_ip": vnic.private_ip, "create_vnic_details": [details]}


def primary_vnic(cloud: Cloud, instance: Any) -> Any:
    """The primary VNIC of an instance; None when it has none."""
    listed = cloud.compute.list_vnic_attachments(instance.compartment_id, instance_id=instance.id).data
    for attachment in listed:
        if attachment.lifecycle_state == "ATTACHED":
            vnic = cloud.network.get_vnic(attachment.vnic_id).data
            if vnic.is_primary:
                return vnic
    return None


def _launch_details(wanted: Record) -> Any:
    models = oci.core.models
    arguments = {name: wanted[name] for name in _SCALARS if name in wanted}
    if "defined_tags" in arguments:
        arguments["defined_tags"] = nested_tags(arguments["defined_tags"])
    for vnic in wanted.get("create_vnic_details", []):
        public = {"assign_public_ip": vnic.get("assign_public_ip") == "true"}
        chosen = {name: vnic[name] for name in _VNIC if vnic.get(name)}
        arguments["create_vnic_details"] = models.CreateVnicDetails(**public, **chosen)
    for source in wanted.get("source_details", []):
        size = source.get("boot_volume_size_in_gbs")
        arguments["source_details"] = models.InstanceSourceViaImageDetails(
            source_type="image",
            image_id=source["source_id"],
            boot_volume_size_in_gbs=int(size) if size else None,
        )
    for agent in wanted.get("agent_config", []):
        arguments["agent_config"] = _agent_details(agent)
    for shape in wanted.get("shape_config", []):
        arguments["shape_config"] = models.LaunchInstanceShapeConfigDetails(**shape)
    return models.LaunchInstanceDetails(**arguments)


def _agent_details(agent: Record) -> Any:
    models = oci.core.models
    plugins = [models.InstanceAgentPluginConfigDetails(**one) for one in agent.get("plugins_config", [])]
    flags = {name: value for name, value in agent.items() if name != "plugins_config"}
    return models.LaunchInstanceAgentConfigDetails(**flags, plugins_config=plugins)
