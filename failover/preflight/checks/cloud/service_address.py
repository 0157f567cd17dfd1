"""The service's address: a failover moves it, makes it again, or takes up one that was made by hand."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from failover.cloud.resources import PrivateIp
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME = "service address"


def look(ground: Ground) -> Iterator[Check]:
    """GetSubnet of the servers' VNICs and ListPrivateIps of the address's own; none without an address."""
    wanted = ground.stack.service_ip
    if wanted is None:
        return
    subnet_ids = dict.fromkeys(
        vnic.subnet_id for server in ground.stack.servers.values() for vnic in server.vnics
    )
    for subnet_id in subnet_ids:
        if ipaddress.ip_address(wanted) in ipaddress.ip_network(ground.subnet(subnet_id).cidr):
            yield judge(wanted, ground.private_ips(subnet_id))
            return


def judge(wanted: str, ips: Sequence[PrivateIp]) -> Check:
    """`ips`: all of the subnet. A VNIC's primary address can neither move nor be made a second time."""
    holder = next((ip for ip in ips if ip.address == wanted), None)
    if holder is None:
        expected, remedy = "an address of the server that serves", "nothing: a failover makes it again"
        return warning(NAME, f"{wanted} is on no VNIC", expected, remedy)
    if holder.is_primary:
        return blocking(
            NAME,
            f"{wanted} is the primary address of {holder.vnic_id}",
            "a secondary address, which can move",
            f"find out whose VNIC that is, and give its instance another address, so that {wanted} is free; "
            "or give the site another service_ip",
        )
    return ok(NAME, f"{wanted} is a secondary address and can move")
