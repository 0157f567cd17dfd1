"""The service address: a secondary address of this host that clients keep mounting, whoever serves.

Functions with a `host` read it. Only `apply` and `release` change it (ip-address(8)). `_wanted` is pure.
"""

import ipaddress
import json
from typing import Any, Dict, List, Optional

from hooks.contract.result import ABSENT, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec, ServiceAddress
from hooks.host.host import CommandFailed, Host

NAME = "address"
_NOT_THERE = {2: "not there"}
_NO_ANSWER = {1: "nobody answered, as it should be", 2: "not possible here"}


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    wanted = _wanted(spec)
    device = _device_of(host, wanted)
    state, place = (PRESENT, "on " + device) if device else (ABSENT, "not on this host")
    return LayerFinding(state, "{} is {}".format(wanted.address, place), {"device": device})


def _wanted(spec: ServerSpec) -> ServiceAddress:
    assert spec.service_address is not None, "the layer runs only where the spec has an address"  # noqa: S101
    return spec.service_address


def _device_of(host: Host, wanted: ServiceAddress) -> Optional[str]:
    """The network device that carries the address (ip-address(8), -j)."""
    for link in _report(host, "address", "show"):
        if any(item.get("local") == wanted.address for item in link.get("addr_info", [])):
            return str(link["ifname"])
    return None


def _report(host: Host, *words: str) -> List[Dict[str, Any]]:
    out = host.run("ip", "-j", *words).out
    try:
        return list(json.loads(out or "[]"))
    except ValueError:
        raise CommandFailed("`ip -j` gave no JSON, but: {}".format(out[:200])) from None


def _fitting_device(host: Host, wanted: ServiceAddress) -> str:
    """The device in whose network the address is, on whichever VNIC; else that of the default route."""
    address = ipaddress.ip_address(wanted.address)
    for link in _report(host, "address", "show"):
        for item in link.get("addr_info", []):
            if address in ipaddress.ip_network("{local}/{prefixlen}".format(**item), strict=False):
                return str(link["ifname"])
    return _default_device(host)


def _default_device(host: Host) -> str:
    routes = _report(host, "route", "show", "default")
    if not routes:
        raise CommandFailed("no default route on this host; name the device in service_address.device")
    return str(routes[0]["dev"])


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Adds the address and tells the neighbours (RFC 5227); lost at the next boot, when this runs again."""
    wanted = _wanted(spec)
    device = wanted.device or _fitting_device(host, wanted)
    host.run("ip", "address", "add", "{}/{}".format(wanted.address, wanted.prefix), "dev", device)
    try:
        host.run(
            "arping", "-q", "-U", "-c", "2", "-w", "3", "-I", device, wanted.address, tolerate=_NO_ANSWER
        )
    except CommandFailed as error:
        host.note("neighbours not told: {}".format(error))
    return ["{} added to {}".format(wanted.address, device)]


def release(host: Host, spec: ServerSpec) -> List[str]:
    wanted = _wanted(spec)
    device = _device_of(host, wanted)
    if device is None:
        return []
    for prefix in _prefixes(host, wanted):
        host.run(
            "ip", "address", "del", "{}/{}".format(wanted.address, prefix), "dev", device, tolerate=_NOT_THERE
        )
    return ["{} removed from {}".format(wanted.address, device)]


def _prefixes(host: Host, wanted: ServiceAddress) -> List[int]:
    infos = [item for link in _report(host, "address", "show") for item in link.get("addr_info", [])]
    return [int(item["prefixlen"]) for item in infos if item.get("local") == wanted.address]
