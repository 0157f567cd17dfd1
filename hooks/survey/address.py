"""Who answers for the service address by ARP: another owner than the server that has it takes its clients."""

from typing import Dict, List

from hooks.contract.spec import ServerSpec
from hooks.host.host import CommandFailed, Host
from hooks.layers import address


def owners(host: Host, spec: ServerSpec) -> Dict[str, List[str]]:
    """`carried`: the service address, where this host has it; `answering`: link addresses of others that
    answer for it; `own`: this host's own. All empty without a service address; none answer without arping(8).

    A router's does not count: a cloud's network may answer for every host of a subnet.
    """
    wanted = spec.service_address
    if wanted is None:
        return {"carried": [], "answering": [], "own": []}
    carried = bool(address.check(host, spec).facts.get("device"))
    options = ("-D",) if carried else ()
    own = address.link_addresses(host)
    try:
        device = address.place(host, wanted)
        others = address.answering(host, wanted, device, *options)
        answering = sorted(set(others) - set(own) - set(address.router_link_addresses(host)))
    except CommandFailed:
        answering = []
    return {
        "carried": [wanted.address] if carried else [],
        "answering": answering,
        "own": own,
    }


def warnings(owners: Dict[str, List[str]]) -> List[str]:
    """A second owner, where this host is the first one.

    No refusal: in a cloud's network something else than a host may answer ARP.
    """
    text = "{} is on this host, and {} answers for it too; take the address away there"
    rivals = ", ".join(owners["answering"])
    return [text.format(one, rivals) for one in owners["carried"] if rivals]
