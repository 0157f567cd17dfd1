"""Which clients an NFS server sees: NFSv4's own list, connections to port 2049, and mountd's record."""

import ipaddress
import os
import re
from glob import glob
from typing import Dict, List, Set

from hooks.host.host import Host

_INFO = "/proc/fs/nfsd/clients/*/info"  # nfsd(7), since Linux 5.3
_SOCKETS = ("/proc/net/tcp", "/proc/net/tcp6")
_RMTAB = "/var/lib/nfs/rmtab"
_PORT, _ESTABLISHED = "0801", "01"  # 2049, and TCP_ESTABLISHED, in hexadecimal (proc(5))
_ADDRESS = re.compile(r'^address: "(.*)"', re.MULTILINE)


def observe(host: Host) -> Dict[str, List[str]]:
    """By address (or by name, where mountd has only that): by what each was seen (v4, socket, rmtab)."""
    ways_by_client: Dict[str, Set[str]] = {}
    for name in glob(host.path(_INFO)):
        info = host.read(os.path.relpath(name, host.root)) or ""
        for address in _ADDRESS.findall(info):
            ways_by_client.setdefault(without_port(address), set()).add("v4")
    for name in _SOCKETS:
        for address in connected(host.read(name) or ""):
            ways_by_client.setdefault(address, set()).add("socket")
    for client in recorded(host.read(_RMTAB) or ""):
        ways_by_client.setdefault(client, set()).add("rmtab")
    return {client: sorted(ways) for client, ways in sorted(ways_by_client.items()) if client}


def without_port(text: str) -> str:
    """`10.0.0.21:871` or `[fd00::1]:871` is 10.0.0.21 or fd00::1."""
    return plain(text.rpartition(":")[0].strip("[]"))


def connected(text: str) -> List[str]:
    """The far addresses of established connections to port 2049, of /proc/net/tcp or tcp6."""
    addresses = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[1].endswith(":" + _PORT) and words[3] == _ESTABLISHED:
            addresses.append(_address(words[2].partition(":")[0]))
    return sorted({address for address in addresses if address})


def _address(word: str) -> str:
    """Each group of eight digits is a 32-bit word in the host's own order; the hosts are little-endian."""
    try:
        raw = b"".join(bytes.fromhex(word[at : at + 8])[::-1] for at in range(0, len(word), 8))
        return plain(str(ipaddress.ip_address(raw)))
    except ValueError:
        return ""


def plain(address: str) -> str:
    """An IPv4 address that came in an IPv6 socket, as itself; a name as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def recorded(text: str) -> List[str]:
    """Clients of rmtab (mountd(8)): CLIENT:PATH:COUNT in hexadecimal; a count of 0 has unmounted."""
    clients = []
    for line in text.splitlines():
        client, slash, rest = line.partition(":/")
        count = rest.rpartition(":")[2]
        if client and slash and re.fullmatch(r"0x[0-9a-fA-F]+", count) and int(count, 16):
            clients.append(plain(client.strip("[]")))
    return sorted(set(clients))
