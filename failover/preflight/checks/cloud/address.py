"""An address and a hostname for the target in the subnet of each of its VNICs: those that it asks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from failover.cloud.resources import PrivateIp, SubnetFacts
from failover.model.instance_states import ENDING
from failover.model.stack_output import Launch, Server
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME, HOSTNAME = "address", "hostname"
_FIRST, _LAST = 2, 1  # OCI keeps the first two addresses of a subnet and the last one


def look(ground: Ground) -> Iterator[Check]:
    """GetSubnet and ListPrivateIps, when the target is to be launched."""
    launch = ground.to_launch()
    if launch is None:
        if ground.has_instance():
            yield ok(NAME, f"{ground.target.name} exists already")
        return
    further = [vnic for vnic in ground.target.vnics if not vnic.is_primary]
    own = _kept_until_it_ends(ground)
    for one in (launch, *(replace(launch, subnet_id=v.subnet_id, private_ip=v.address) for v in further)):
        subnet, ips = ground.subnet(one.subnet_id), ground.private_ips(one.subnet_id)
        yield judge(ground.target.name, one, subnet, {ip.address for ip in ips}, own)
        if one is launch:
            yield judge_hostname(ground.target, ips, own)


def judge_hostname(server: Server, ips: Sequence[PrivateIp], own: Set[str]) -> Check:
    """A subnet has each hostname once. `ips`: all of it; `own`: what is free by the launch, as in `judge`."""
    holders = [ip for ip in ips if (ip.hostname or "").lower() == server.hostname.lower()]
    if not holders:
        return ok(HOSTNAME, f"{server.hostname} is free")
    if holders[0].address in own:
        text = f"{server.hostname} is still that of {server.name}, which is {ENDING}"
        return warning(HOSTNAME, text, "free", "nothing: the launch waits until it has ended")
    return blocking(
        HOSTNAME,
        f"{server.hostname} is the hostname of {holders[0].address} ({holders[0].vnic_id})",
        "free: a subnet has each hostname once",
        f"if {server.name} was launched by hand, adopt it (instance_id in the place of image_id in servers) "
        f"or terminate it; else give {server.name} another hostname",
    )


def _kept_until_it_ends(ground: Ground) -> frozenset[str]:
    """The addresses of the target's own instance while that is TERMINATING."""
    target = ground.target
    if not target.instance_id or ground.server_state(target) != ENDING:
        return frozenset()
    return frozenset(filter(None, (target.address, *(vnic.address for vnic in target.vnics))))


def judge(
    server: str, launch: Launch, subnet: SubnetFacts, used: Set[str], own: Set[str] = frozenset()
) -> Check:
    """The subnet is AVAILABLE, reaches the target's domain, and has the wanted address or any one free.

    `own`: of `used`, what is free again by the launch, since that waits for the end of the server of before.
    """
    domain = subnet.availability_domain
    if subnet.state != "AVAILABLE":
        return blocking(NAME, f"subnet {subnet.name} is {subnet.state}", "AVAILABLE", _other(server))
    if domain and domain.lower() != launch.availability_domain.lower():
        text = f"subnet {subnet.name} is in {domain} alone"
        return blocking(NAME, text, f"{launch.availability_domain}, or a regional subnet", _other(server))
    network = ipaddress.ip_network(subnet.cidr)
    if launch.private_ip is None:
        free = network.num_addresses - _FIRST - _LAST - len(used)
        text = f"{max(free, 0)} addresses are free in {network}"
        return ok(NAME, text) if free > 0 else blocking(NAME, text, "one or more", _other(server))
    if launch.private_ip in own & used:
        text = f"{launch.private_ip} is still that of {server}, which is {ENDING}"
        return warning(NAME, text, "free", "nothing: the launch waits until it has ended")
    return _wanted(server, launch.private_ip, network, used)


def _wanted(
    server: str, address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network, used: Set[str]
) -> Check:
    if address in used:
        return blocking(
            NAME,
            f"{address} is taken",
            "free",
            f"find out who has it (Networking, the subnet's IP addresses), or correct private_ip of {server}",
        )
    reserved = (network[0], network[1], network[-1])
    if ipaddress.ip_address(address) not in network or ipaddress.ip_address(address) in reserved:
        remedy = f"correct private_ip of {server}"
        actual = f"{address} is not a usable address of {network}"
        return blocking(NAME, actual, "one of the subnet's", remedy)
    return ok(NAME, f"{address} is free in {network}")


def _other(server: str) -> str:
    return f"set subnet_id of {server} to a subnet with room in its availability domain"
