"""The service address: a secondary address of this host that clients keep mounting, whoever serves.

Functions with a `host` read it. Only `apply` and `release` change it (ip-address(8)). `_wanted` is pure.
"""

import ipaddress
import json
import re
from typing import Any, Dict, List, Optional, Tuple
from weakref import WeakKeyDictionary

from hooks.contract.result import ABSENT, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec, ServiceAddress
from hooks.host.host import CommandFailed, HookError, Host
from hooks.host.threads import Begun
from hooks.layers.locks import grace

NAME = "address"
# what `begin` asked for this run, until `apply` takes it
_EARLY: "WeakKeyDictionary[Host, Begun[Tuple[str, List[str]]]]" = WeakKeyDictionary()
_NOT_THERE = {2: "not there"}
_NO_ANSWER = {1: "nobody answered, as it should be", 2: "not possible here"}
_PROBED = {1: "it was answered, with -D; not, without", 2: "not possible here"}
# two owners answer the first request both; a takeover and its surveys wait no longer where none is there
_A_SECOND = ("-c", "2", "-w", "1")
_LINK_ADDRESS = re.compile(r"\[([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\]")  # in a line of arping(8)


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
    out = host.query("ip", "-j", *words).out
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


def answering(host: Host, wanted: ServiceAddress, device: str, *options: str) -> List[str]:
    """Link addresses of the hosts that answer for the address on this device, in lower case (arping(8)).

    `options`: `-D` probes for another owner of an address that this host has or is to have (RFC 5227, 2.1).
    Raises CommandFailed where there is no arping.
    """
    argv = ["arping", *options, *_A_SECOND, "-I", device, wanted.address]
    out = host.run(*argv, tolerate=_PROBED).out
    return sorted({address.lower() for address in _LINK_ADDRESS.findall(out)})


def place(host: Host, wanted: ServiceAddress) -> str:
    """The device that has the address, or would get it. Raises CommandFailed where there is none."""
    return _device_of(host, wanted) or wanted.device or _fitting_device(host, wanted)


def link_addresses(host: Host) -> List[str]:
    """Those of this host's own devices, in lower case (ip-address(8), -j)."""
    return sorted(
        {str(link["address"]).lower() for link in _report(host, "address", "show") if "address" in link}
    )


def router_link_addresses(host: Host) -> List[str]:
    """Those of the default routes' gateways, in lower case, of the kernel's ARP table (proc(5), net/arp)."""
    gateways = {route.get("gateway") for route in _report(host, "route", "show", "default")}
    rows = [line.split() for line in (host.read("/proc/net/arp") or "").splitlines()[1:]]
    return sorted({row[3].lower() for row in rows if len(row) > 3 and row[0] in gateways})


def begin(host: Host, spec: ServerSpec) -> None:
    """Asks who else has the address, while the layers below come up: a second that clients need not wait."""
    _EARLY[host] = Begun(lambda: _look_for_rivals(host, _wanted(spec)))


def _look_for_rivals(host: Host, wanted: ServiceAddress) -> Tuple[str, List[str]]:
    """The device, and what is to be said of other owners there. No device on the host that has the address
    already, and where it is not known yet: a network may come up with the layers below."""
    try:
        if _device_of(host, wanted):
            return "", []
        device = wanted.device or _fitting_device(host, wanted)
        return device, _rivals(host, wanted, device)
    except HookError:
        return "", []


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Adds the address and tells the neighbours (RFC 5227); lost at the next boot, when this runs again.

    Another owner is named and is no reason to stop: the clients wait, and the API has given it to this host.
    """
    wanted = _wanted(spec)
    device = wanted.device or _fitting_device(host, wanted)
    early = _EARLY.pop(host, None)
    looked_on, rivals = early.result() if early else ("", [])
    if looked_on != device:
        rivals = _rivals(host, wanted, device)
    done = grace.keep(host, spec)
    host.run("ip", "address", "add", "{}/{}".format(wanted.address, wanted.prefix), "dev", device)
    try:
        host.run(
            "arping", "-q", "-U", "-c", "2", "-w", "3", "-I", device, wanted.address, tolerate=_NO_ANSWER
        )
    except CommandFailed as error:
        host.note("ARP announcement failed: {}".format(error))
    return [*done, "{} added to {}".format(wanted.address, device), *rivals]


def _rivals(host: Host, wanted: ServiceAddress, device: str) -> List[str]:
    """What is to be said of other owners of the address; nothing without arping, or with one that hangs."""
    try:
        rivals = answering(host, wanted, device, "-D")
    except HookError:
        return []  # what follows says so, or ends at the run's deadline
    text = "{} is answered by {} already: take it away there, or clients reach that host"
    return [text.format(wanted.address, ", ".join(rivals))] if rivals else []


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
