"""Where a client without SSH gets the hooks: with the data of the site's servers, or from a URL. Pure."""

from __future__ import annotations

from failover.hosts.run_command.script import HooksSource
from failover.model.stack_output import Stack

_EXPORTS = 2  # of each address: each costs the client a mount, and the script bytes


def of_hooks(stack: Stack, target: str, url: str) -> HooksSource:
    """The service's address first, then the target and the active server, each with its first exports."""
    servers = (stack.servers[name].address for name in dict.fromkeys((target, stack.active)))
    addresses = dict.fromkeys(address for address in (stack.service_ip, *servers) if address)
    paths = [export["path"] for export in stack.spec.get("exports", [])][:_EXPORTS]
    return HooksSource(tuple(f"{_host(address)}:{path}" for address in addresses for path in paths), url)


def _host(address: str) -> str:
    """An IPv6 address stands in brackets (nfs(5))."""
    return f"[{address}]" if ":" in address else address
