"""The addresses of the stack's resources in Terraform's state, as terraform/*.tf names them."""

from __future__ import annotations

import re

ATTACHMENT = "oci_core_volume_attachment.data"
INSTANCE = "oci_core_instance.server"
SERVICE_ADDRESS = "oci_core_private_ip.service"
SERVICE_ADDRESS_RECORD = f"{SERVICE_ADDRESS}[0]"
SERVICE_NAME = "oci_dns_rrset.service"
SERVICE_NAME_RECORD = f"{SERVICE_NAME}[0]"
VNIC = "oci_core_vnic_attachment.secondary"
SWITCH_RECORD = "terraform_data.switch"
_KEY = re.compile(r'(?P<resource>[a-z_.]+)\["(?P<key>[^"]+)"\]')


def attachment(volume: str) -> str:
    """The address of a volume's attachment."""
    return f'{ATTACHMENT}["{volume}"]'


def instance(server: str) -> str:
    """The address of a launched server."""
    return f'{INSTANCE}["{server}"]'


def vnics(server: str) -> str:
    """How the addresses of a launched server's further VNICs begin."""
    return f'{VNIC}["{server}/'


def volume_of(address: str) -> str | None:
    """The volume of an attachment's address; None for any other address."""
    return _key_of(address, ATTACHMENT)


def server_of(address: str) -> str | None:
    """The server of a launched instance's address; None for any other address."""
    return _key_of(address, INSTANCE)


def _key_of(address: str, resource: str) -> str | None:
    match = _KEY.fullmatch(address)
    return match["key"] if match and match["resource"] == resource else None
