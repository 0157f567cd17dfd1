"""A run's plan on a site where a person has begun by hand: volumes detached, the service's address made anew.

Terraform alone would undo it, or make a second time what is there; a run would meet that after the old server
was cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from failover.act.context import Crew
from failover.cloud.resources import PrivateIp
from failover.model.outcome import Refused, Unknown
from failover.stack import addresses
from failover.stack.runner import SavedPlan


def planned(crew: Crew, variables: Mapping[str, Any]) -> SavedPlan:
    """The plan with these variables, not yet judged. Raises Refused for an address that cannot move."""
    plan = crew.runner.plan(variables)
    # else it would attach to the old server what a person has detached from it
    launch_only = bool(variables.get("launch") and _made(plan, addresses.ATTACHMENT))
    ips = [ip for shall in _made(plan, addresses.SERVICE_ADDRESS) for ip in _there_already(crew, shall)]
    if not launch_only and not ips:
        return plan
    crew.runner.discard(plan)
    wanted = {**variables, "launch_only": True} if launch_only else variables
    for ip in ips:
        crew.runner.adopt(addresses.SERVICE_ADDRESS_RECORD, ip.id, wanted)
    return crew.runner.plan(wanted)


def _made(plan: SavedPlan, kind: str) -> list[Mapping[str, Any]]:
    """What those of this kind shall be that it makes and that replace none."""
    return [c.after for c in plan.changes if c.address.startswith(kind) and tuple(c.actions) == ("create",)]


def _there_already(crew: Crew, shall: Mapping[str, Any]) -> list[PrivateIp]:
    """The service's address on whichever VNIC it is, if it is: OCI would not make it a second time.

    What cannot be listed is left to Terraform's own words. Raises Refused for a VNIC's primary address.
    """
    subnet_ids = {vnic.subnet_id for server in crew.stack.servers.values() for vnic in server.vnics}
    ips: list[PrivateIp] = []
    with suppress(Unknown):
        ips = [ip for subnet_id in sorted(subnet_ids) for ip in crew.reads.private_ips(subnet_id)]
    there = [ip for ip in ips if ip.address == shall.get("ip_address")]
    if there and there[0].is_primary:
        raise Refused(
            f"service_ip {there[0].address} is the primary address of {there[0].vnic_id}, which cannot move",
            "give that VNIC's instance another address, or the site another service_ip; then run the same "
            "command again",
        )
    return there
