"""oci_core_volume: make, look, resize, delete."""

from typing import Any

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.errors import CreationError, NotReadyError
from lab.provider.resources.records import record_of
from lab.provider.resources.resource import deleted, ignored
from lab.provider.resources.waiting import made_ready, wait_for, wait_until_gone
from lab.provider.schema.values import Record

_CREATION = (
    "availability_domain",
    "compartment_id",
    "display_name",
    "freeform_tags",
    "size_in_gbs",
    "vpus_per_gb",
)
_PENDING = ("PROVISIONING", "RESTORING")
_CHANGEABLE = ("display_name", "freeform_tags", "size_in_gbs", "vpus_per_gb")


class Volumes:
    """Block volumes."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Make a volume and wait for AVAILABLE. Raises CreationError."""
        details = oci.core.models.CreateVolumeDetails(**_numbers(wanted, _CREATION))
        made = self._cloud.storage.create_volume(details).data
        try:
            ready = made_ready(lambda: self._get(made.id), made, _PENDING, "AVAILABLE", deadline)
        except NotReadyError as error:
            raise CreationError(str(error), record_of(error.last or made)) from error
        return record_of(ready)

    def read(self, identity: str, current: Record) -> Record | None:
        """A volume that is TERMINATED has ended."""
        volume = self._get(identity)
        ignored(lambda: self._cloud.storage.get_volume_backup_policy_asset_assignment(identity))
        return None if volume.lifecycle_state == "TERMINATED" else record_of(volume)

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Rename, retag, grow."""
        sent = {"is_auto_tune_enabled": bool(wanted.get("is_auto_tune_enabled"))}  # whatever changes
        details = oci.core.models.UpdateVolumeDetails(**_numbers(changes, _CHANGEABLE), **sent)
        self._cloud.storage.update_volume(identity, details)
        return record_of(wait_for(lambda: self._get(identity), "update", _PENDING, "AVAILABLE", deadline))

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Delete and wait for TERMINATED."""
        if deleted(self._cloud.storage.delete_volume, identity):
            pending = ("AVAILABLE", "TERMINATING")
            wait_until_gone(lambda: self._get(identity), pending, "TERMINATED", deadline)

    def _get(self, identity: str) -> Any:
        return self._cloud.storage.get_volume(identity).data


def _numbers(record: Record, names: tuple[str, ...]) -> Record:
    """The named arguments; Terraform has 64-bit integers as strings."""
    chosen = {name: record[name] for name in names if name in record}
    return {
        name: int(value) if name in ("size_in_gbs", "vpus_per_gb") else value
        for name, value in chosen.items()
    }
