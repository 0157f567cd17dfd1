"""The network that clients mount by: the target must have a card (VNIC) there, or nobody reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from failover.model.observation import ClientStatus
from failover.model.stack_output import Server, Stack, Vnic
from failover.preflight.check import Check, blocking, ok
from failover.preflight.context import Ground

NAME = "networks of clients"
_LISTED = 3


def look(ground: Ground) -> Iterator[Check]:
    """What every client that answers mounts by, against the target's VNICs; GetSubnet where one lacks."""
    clients = ground.clients()
    lacking = unreached(ground.stack, ground.target, addresses(clients))
    for vnic, names in lacking.items():
        yield judge(ground.target, vnic, ground.subnet(vnic.subnet_id).cidr, names)
    if not lacking:
        yield ok(NAME, f"{ground.target.name} has a VNIC in each of them")


def addresses(clients: Sequence[ClientStatus]) -> dict[str, list[str]]:
    """The addresses that the kernels of the clients mount by, each with the clients' names."""
    clients_by_address: dict[str, list[str]] = {}
    for one in clients:
        for layer in one.answer.layers if one.answer else ():
            by_mount = layer.facts.get("addresses")
            for address in sorted(set(by_mount.values())) if isinstance(by_mount, dict) else ():
                clients_by_address.setdefault(str(address), []).append(one.client.name)
    return clients_by_address


def unreached(stack: Stack, target: Server, mounted: Mapping[str, list[str]]) -> dict[Vnic, list[str]]:
    """The VNICs of other servers that clients mount by, in subnets where the target has none.

    Empty for a state that an older terraform/ wrote: it does not tell VNICs.
    """
    reached = {vnic.subnet_id for vnic in target.vnics}
    return {
        vnic: mounted[vnic.address or ""]
        for server in stack.servers.values()
        for vnic in server.vnics
        if server.name != target.name
        and vnic.address in mounted
        and reached
        and vnic.subnet_id not in reached
    }


def judge(target: Server, vnic: Vnic, cidr: str, clients: list[str]) -> Check:
    """A target that these clients cannot mount from."""
    more = f" and {len(clients) - _LISTED} more" if len(clients) > _LISTED else ""
    where = f"subnet_id = {vnic.subnet_id}"
    who = f"{', '.join(clients[:_LISTED])}{more}"
    remedy = (
        f"attach a VNIC in {cidr} to {target.name} and set it up on the host"
        if target.adopted
        else f"give {target.name} one of secondary_vnics with {where}, apply that, then run preflight again"
    )
    return blocking(
        NAME,
        f"clients mount {vnic.address} ({who}); {target.name} has no VNIC in {cidr}",
        f"a VNIC of {target.name} in {cidr}",
        remedy,
    )
