"""oci_core_private_ip: make, look, move, delete. Nothing here has states to wait for."""

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.resources.records import record_of
from lab.provider.resources.resource import deleted
from lab.provider.schema.values import Record

_CREATION = ("display_name", "freeform_tags", "hostname_label", "ip_address", "vnic_id")
_CHANGEABLE = ("display_name", "freeform_tags", "hostname_label", "vnic_id")
_ALWAYS_SENT = ("lifetime",)  # from the state, as the real provider does


class Addresses:
    """Secondary private addresses."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Give the VNIC another address."""
        arguments = {name: wanted[name] for name in _CREATION if name in wanted}
        details = oci.core.models.CreatePrivateIpDetails(**arguments)
        return record_of(self._cloud.network.create_private_ip(details).data)

    def read(self, identity: str, current: Record) -> Record | None:
        """The address and the VNIC that has it."""
        return record_of(self._cloud.network.get_private_ip(identity).data)

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Move the address: one call, which takes it from the old VNIC and gives it to the new one."""
        arguments = {name: changes[name] for name in _CHANGEABLE if name in changes}
        arguments |= {name: wanted[name] for name in _ALWAYS_SENT if wanted.get(name)}
        details = oci.core.models.UpdatePrivateIpDetails(**arguments)
        return record_of(self._cloud.network.update_private_ip(identity, details).data)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Take the address away."""
        deleted(self._cloud.network.delete_private_ip, identity)
