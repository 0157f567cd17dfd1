"""The networks of further VNICs: this host carries its address there after every boot, and answers from it.

OCI configures the primary VNIC alone. `check` looks at the host and its metadata; `apply` writes a file for
NetworkManager or systemd-networkd, whichever runs, and loads it. A release leaves it: it is the host's own.
Sources: Oracle, "Configuring the OS for a Secondary VNIC"; nm-settings-keyfile(5), systemd.network(5).
"""

import ipaddress
import json
from functools import partial
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from hooks.contract.result import ABSENT, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec
from hooks.host import text_file
from hooks.host.host import CommandFailed, HookError, Host

NAME = "network"
VNICS_PATH = "/opc/v2/vnics/"
MTU = 9000  # of every OCI subnet
_SECONDS = 30.0  # for a device to appear, and for its address
_FIRST_TABLE = 1002  # of policy routing; a table a network
_ELSEWHERE = "192.0.2.1"  # no host has it (RFC 5737): how it is routed tells how any far client is
_NO_ROUTE = {2: "no route"}
_INACTIVE = {3: "not active", 4: "no such unit"}
_KEYFILES, _NETWORKD = "/etc/NetworkManager/system-connections", "/etc/systemd/network"
_NO_VNIC = (
    "{}: this instance has no VNIC there, found {}; give the server one (secondary_vnics in the stack), or "
    "take that network out of the others"
)
_NO_DEVICE = (
    "{}: no network device has the MAC address {} of VNIC {} (NIC {}, VLAN tag {}); attach it to the second "
    "NIC (nic_index 1), or configure it on this host by hand"
)
_NO_MANAGER = (
    "{}: neither NetworkManager nor systemd-networkd runs here; configure {} on {} by hand, for every boot"
)


class VnicEntry(NamedTuple):
    """One entry of /opc/v2/vnics."""

    vnic_id: str
    address: str
    network: str
    router: str
    mac: str
    nic_index: int
    vlan_tag: int


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    here, problems = _addresses(host, spec), []
    for network in spec.networks:
        inside = [item for item in here if _inside(item[1], network)]
        right = _expected(host, network)
        if not inside:
            problems.append("no address in {}".format(network))
        elif right and right not in [address for _, address in inside]:
            problems.append("{} instead of {}".format(inside[0][1], right))
        else:
            device, address = next((item for item in inside if item[1] == right), inside[0])
            problems += _astray(host, device, address)
    carried = ["{} on {}".format(address, device) for device, address in here]
    return LayerFinding(ABSENT if problems else PRESENT, "; ".join(problems or carried))


def _expected(host: Host, network: str) -> Optional[str]:
    """The address that the metadata service says; None where it does not answer: what is there counts."""
    try:
        return next((vnic.address for vnic in vnics(host) if vnic.network == network), None)
    except HookError:
        return None


def _astray(host: Host, device: str, address: str) -> List[str]:
    """Answers from this address must leave by its own device: OCI drops them on another (source check)."""
    routes = _report(host, "route", "get", _ELSEWHERE, "from", address, tolerate=_NO_ROUTE)
    outgoing = str(routes[0].get("dev")) if routes else device
    return (
        []
        if outgoing == device
        else ["answers from {} leave by {}, not {}".format(address, outgoing, device)]
    )


def _addresses(host: Host, spec: ServerSpec) -> List[Tuple[str, str]]:
    """(device, address) of this host's addresses in the spec's networks, without the service address."""
    service = spec.service_address.address if spec.service_address else ""
    return [
        (str(link["ifname"]), str(item["local"]))
        for link in _report(host, "address", "show")
        for item in link.get("addr_info", [])
        if item["local"] != service and any(_inside(str(item["local"]), one) for one in spec.networks)
    ]


def _inside(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def _report(host: Host, *words: str, tolerate: Dict[int, str] = {}) -> List[Dict[str, Any]]:  # noqa: B006
    out = host.run("ip", "-j", *words, tolerate=tolerate).out
    try:
        return list(json.loads(out or "[]"))
    except ValueError:
        raise CommandFailed("`ip -j` gave no JSON, but: {}".format(out[:200])) from None


def vnics(host: Host) -> List[VnicEntry]:
    """This instance's VNICs; raises CommandFailed when the metadata service does not tell them."""
    try:
        entries = json.loads(host.metadata(VNICS_PATH) or "[]")
        return [_vnic(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed("metadata service {}: unusable answer: {}".format(VNICS_PATH, error)) from None


def _vnic(entry: Dict[str, Any]) -> VnicEntry:
    network = str(ipaddress.ip_network(entry["subnetCidrBlock"]))
    return VnicEntry(
        str(entry["vnicId"]),
        str(ipaddress.ip_address(entry["privateIp"])),
        network,
        str(ipaddress.ip_address(entry["virtualRouterIp"])),
        str(entry["macAddr"]).lower(),
        int(entry.get("nicIndex") or 0),
        int(entry.get("vlanTag") or 0),
    )


def lacking(host: Host, spec: ServerSpec) -> List[str]:
    """The networks in which this instance has no VNIC, each with its remedy; raises CommandFailed."""
    known = [vnic.network for vnic in vnics(host)]
    return [_NO_VNIC.format(one, ", ".join(known) or "none") for one in spec.networks if one not in known]


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Writes each network's configuration and loads it. Raises HookError without a VNIC or a device."""
    for text in lacking(host, spec):
        raise HookError(text)
    known = {vnic.network: vnic for vnic in vnics(host)}
    done = []
    for place, network in enumerate(spec.networks):
        vnic = known[network]
        device = _device(host, vnic)
        _configure(host, vnic, device, _FIRST_TABLE + place)
        host.wait(
            "{} on {}".format(vnic.address, device),
            partial(_carried, host, spec, vnic.address),
            _SECONDS,
            0.5,
        )
        done.append("{} set up on {}".format(vnic.address, device))
    return done


def _carried(host: Host, spec: ServerSpec, address: str) -> bool:
    return address in [item[1] for item in _addresses(host, spec)]


def _device(host: Host, vnic: VnicEntry) -> str:
    """The device with the VNIC's MAC address; one that was just plugged in takes a moment."""
    end = host.now() + _SECONDS
    while True:
        for link in _report(host, "link", "show"):
            if str(link.get("address")).lower() == vnic.mac:
                return str(link["ifname"])
        if vnic.vlan_tag or host.now() > end:
            text = _NO_DEVICE.format(vnic.address, vnic.mac, vnic.vnic_id, vnic.nic_index, vnic.vlan_tag)
            raise HookError(text)
        host.sleep(0.5)


def _configure(host: Host, vnic: VnicEntry, device: str, table: int) -> None:
    name = "nfs-failover-" + vnic.network.split("/")[0].replace(":", "-")
    if _active(host, "NetworkManager"):
        path = "{}/{}.nmconnection".format(_KEYFILES, name)
        text_file.edit(host, path, lambda _: keyfile(name, vnic, table), 0o600)
        host.run("nmcli", "connection", "load", path)
        host.run("nmcli", "connection", "up", name)
    elif _active(host, "systemd-networkd"):
        # before what cloud-init and netplan write: of the files that match a device the first one counts
        text_file.edit(host, "{}/05-{}.network".format(_NETWORKD, name), lambda _: unit(vnic, table))
        host.run("networkctl", "reload")
    else:
        raise HookError(_NO_MANAGER.format(vnic.network, vnic.address, device))


def _active(host: Host, service: str) -> bool:
    return not host.run("systemctl", "is-active", service, tolerate=_INACTIVE).code


def keyfile(name: str, vnic: VnicEntry, table: int) -> str:
    """A connection of NetworkManager: address, MTU, and a table of its own for what leaves from there."""
    bits = vnic.network.split("/")[1]
    return """# written by nfs-failover: the VNIC {0.vnic_id}
[connection]
id={name}
type=ethernet
autoconnect=true
autoconnect-priority=100

[ethernet]
mac-address={0.mac}
mtu={mtu}

[ipv4]
method=manual
address1={0.address}/{bits}
never-default=true
route1={0.network},0.0.0.0
route1_options=table={table}
route2=0.0.0.0/0,{0.router}
route2_options=table={table}
routing-rule1=priority {table} from {0.network} table {table}

[ipv6]
method=ignore
""".format(vnic, name=name, mtu=MTU, bits=bits, table=table)


def unit(vnic: VnicEntry, table: int) -> str:
    """A .network file of systemd-networkd that says the same."""
    bits = vnic.network.split("/")[1]
    return """# written by nfs-failover: the VNIC {0.vnic_id}
[Match]
MACAddress={0.mac}

[Link]
MTUBytes={mtu}

[Network]
DHCP=no
Address={0.address}/{bits}

[Route]
Destination={0.network}
Scope=link
Table={table}

[Route]
Gateway={0.router}
Table={table}

[RoutingPolicyRule]
From={0.network}
Table={table}
Priority={table}
""".format(vnic, mtu=MTU, bits=bits, table=table)


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Leaves it: see contract/result.py, STAYS."""
    return []
