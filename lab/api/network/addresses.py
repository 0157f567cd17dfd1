"""Addresses, MACs and hostname labels of the lab's subnets."""

import ipaddress
import re
import secrets

from lab.api.core.call import Tenancy
from lab.api.core.errors import invalid, limit_exceeded

FIRST_HOST = 10  # below it the lab's own router and services live
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
MAC_PREFIX = "02:00:17"  # as on OCI


def taken_addresses(cloud: Tenancy) -> set[str]:
    return {str(row.body["ipAddress"]) for row in cloud.store.find("privateip")}


def free_address(cloud: Tenancy, wanted: str | None, subnet_id: str = "") -> str:
    """The wanted address, or without one the lowest that is free. `subnet_id`: empty for the first subnet.

    Raises ApiError: 400 InvalidParameter where the wanted one is not free or not usable, 400 LimitExceeded
    where none is free.
    """
    cidr = cloud.world.subnets[subnet_id or cloud.world.subnet_id]
    subnet, used = ipaddress.ip_network(cidr), taken_addresses(cloud)
    if wanted is None:
        hosts = (str(host) for host in list(subnet.hosts())[FIRST_HOST - 1 :])
        free = next((host for host in hosts if host not in used), None)
        if free is None:
            raise limit_exceeded(f"subnet {subnet} has no free address")
        return free
    if not _usable(wanted, subnet):
        raise invalid(f"{wanted} is not a usable address of subnet {subnet}")
    if wanted in used:
        raise invalid(f"Private IP address {wanted} is already in use")
    return wanted


def _usable(wanted: str, subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        address = ipaddress.ip_address(wanted)
    except ValueError:
        return False
    # OCI keeps the first two and the last address of every subnet
    reserved = (subnet[0], subnet[1], subnet[-1])
    return address in subnet and address not in reserved


def check_label(cloud: Tenancy, label: str) -> str:
    """A hostname label that is well formed and nobody's yet. Raises 400 InvalidParameter otherwise."""
    if not LABEL.fullmatch(label):
        raise invalid(f"hostnameLabel {label!r} is not a valid host name (RFC 952, RFC 1123)")
    if label in taken_labels(cloud):
        raise invalid(f"hostnameLabel {label} is already in use in the subnet")
    return label


def label_for(cloud: Tenancy, name: str) -> str:
    """A free label made from a display name."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:50] or "instance"
    return label if label not in taken_labels(cloud) else f"{label}-{secrets.token_hex(2)}"


def taken_labels(cloud: Tenancy) -> set[str]:
    return {str(row.body["hostnameLabel"]) for row in cloud.store.find("privateip")}


def new_mac() -> str:
    tail = secrets.token_bytes(3)
    return f"{MAC_PREFIX}:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"
