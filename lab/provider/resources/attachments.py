"""oci_core_volume_attachment: attach, look, detach."""

from typing import Any

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.errors import CreationError, NotReadyError
from lab.provider.place import ProviderError
from lab.provider.resources.records import record_of
from lab.provider.resources.resource import deleted
from lab.provider.resources.waiting import made_ready, wait_until_gone
from lab.provider.schema.values import Record

_ARGUMENTS = (
    "device",
    "display_name",
    "instance_id",
    "is_agent_auto_iscsi_login_enabled",
    "is_read_only",
    "is_shareable",
    "use_chap",
    "volume_id",
)


class VolumeAttachments:
    """Volume attachments; each change of an argument is a new attachment."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Attach and wait for ATTACHED. Raises ProviderError for another type than iSCSI, and CreationError,
        with the attachment that Terraform keeps as tainted, for one that ends otherwise.
        """
        arguments = {name: wanted[name] for name in _ARGUMENTS if name in wanted}
        if wanted["attachment_type"].lower() != "iscsi":
            raise ProviderError(
                f"attachment_type {wanted['attachment_type']} is not known here: expected iscsi"
            )
        details = oci.core.models.AttachIScsiVolumeDetails(type="iscsi", **arguments)
        made = self._cloud.compute.attach_volume(details).data
        try:
            ready = made_ready(lambda: self._get(made.id), made, ("ATTACHING",), "ATTACHED", deadline)
        except NotReadyError as error:
            raise CreationError(str(error), self._record(error.last or made)) from error
        return self._record(ready)

    def read(self, identity: str, current: Record) -> Record | None:
        """DETACHED has ended; DETACHING is still there and shows no change."""
        attachment = self._get(identity)
        return None if attachment.lifecycle_state == "DETACHED" else self._record(attachment)

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Never asked for: every argument forces a new attachment. Raises ProviderError."""
        raise ProviderError(f"attachment {identity} cannot be updated in place: {sorted(changes)} changed")

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Detach and wait for DETACHED; a 404 is taken for done."""
        if deleted(self._cloud.compute.detach_volume, identity):
            pending = ("ATTACHED", "ATTACHING", "DETACHING")
            wait_until_gone(lambda: self._get(identity), pending, "DETACHED", deadline)

    def _get(self, identity: str) -> Any:
        return self._cloud.compute.get_volume_attachment(identity).data

    @staticmethod
    def _record(attachment: Any) -> Record:
        return record_of(attachment)
