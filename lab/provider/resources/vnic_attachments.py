"""oci_core_vnic_attachment: attach a secondary VNIC, look, change the VNIC, detach."""

from typing import Any

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.errors import CreationError, NotReadyError
from lab.provider.resources.records import nested_tags, record_of
from lab.provider.resources.resource import deleted, ignored
from lab.provider.resources.waiting import made_ready, wait_until_gone
from lab.provider.schema.values import Record

_ARGUMENTS = ("display_name", "instance_id")
_VNIC = ("display_name", "freeform_tags", "hostname_label", "nsg_ids", "private_ip", "subnet_id")
_FLAGS = ("assign_private_dns_record", "skip_source_dest_check")
_CHANGEABLE = ("defined_tags", "display_name", "freeform_tags", "hostname_label", "nsg_ids", *_FLAGS[1:])


class VnicAttachments:
    """Secondary VNICs with their attachments; an argument of the VNIC itself may change in place."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Attach and wait for ATTACHED. One that ends otherwise is an error, and is kept as tainted.

        Raises CreationError.
        """
        models = oci.core.models
        arguments = {name: wanted[name] for name in _ARGUMENTS if name in wanted}
        if "nic_index" in wanted:
            arguments["nic_index"] = int(wanted["nic_index"])
        vnic = models.CreateVnicDetails(**_creation(wanted["create_vnic_details"][0]))
        details = models.AttachVnicDetails(create_vnic_details=vnic, **arguments)
        made = self._cloud.compute.attach_vnic(details).data
        try:
            ready = made_ready(lambda: self._get(made.id), made, ("ATTACHING",), "ATTACHED", deadline)
        except NotReadyError as error:
            raise CreationError(str(error), record_of(error.last or made)) from error
        return self._record(ready, wanted)

    def read(self, identity: str, current: Record) -> Record | None:
        """DETACHED has ended."""
        attachment = self._get(identity)
        return None if attachment.lifecycle_state == "DETACHED" else self._record(attachment, current)

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """UpdateVnic: what the attachment itself has forces a new one."""
        attachment = self._get(identity)
        vnic = changes["create_vnic_details"][0]
        arguments = {name: vnic[name] for name in _CHANGEABLE if name in vnic}
        if "defined_tags" in arguments:
            arguments["defined_tags"] = nested_tags(arguments["defined_tags"])
        self._cloud.network.update_vnic(attachment.vnic_id, oci.core.models.UpdateVnicDetails(**arguments))
        return self._record(attachment, wanted)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Detach and wait for DETACHED; a 404 is taken for done."""
        if deleted(self._cloud.compute.detach_vnic, identity):
            wait_until_gone(lambda: self._get(identity), ("ATTACHED", "DETACHING"), "DETACHED", deadline)

    def _get(self, identity: str) -> Any:
        return self._cloud.compute.get_vnic_attachment(identity).data

    def _record(self, attachment: Any, current: Record) -> Record:
        """The attachment with its VNIC, which is looked at only once it is there."""
        record = record_of(attachment)
        vnic = None
        if attachment.lifecycle_state == "ATTACHED":
            vnic = ignored(lambda: self._cloud.network.get_vnic(attachment.vnic_id).data)
        if vnic is not None:
            before = (current.get("create_vnic_details") or [{}])[0]
            kept = {name: before[name] for name in ("assign_public_ip", _FLAGS[0]) if name in before}
            record["create_vnic_details"] = [{**record_of(vnic), **kept}]
        return record


def _creation(vnic: Record) -> Record:
    sent = {name: vnic[name] for name in _VNIC if vnic.get(name)}
    sent |= {name: vnic[name] for name in _FLAGS if name in vnic}
    if vnic.get("defined_tags"):
        sent["defined_tags"] = nested_tags(vnic["defined_tags"])
    return {**sent, "assign_public_ip": vnic.get("assign_public_ip") == "true"}
