"""Whom the table of exports serves, whatever name it has for them.

Functions with a `host` read it. No function changes it.
"""

import re
from typing import Iterable, Optional, Set

from hooks.host.host import HookError, Host
from hooks.layers.exports import Pair, canonical, covers

_SECONDS = 5.0  # for the name service, which is not what a takeover may wait for
NETWORK = re.compile(r"[*?@\[/]")  # of wildcards, netgroups and networks: no single host's name


def served(host: Host, pair: Pair, table: Iterable[Pair]) -> Optional[bool]:
    """Whether the table (`exportfs -s`) exports this path to this client; None for a name without address.

    exportfs(8) keeps the name service's own name of a host, not the one in the exports file.
    """
    path, client = pair
    entries = [entry for where, entry in table if where == path]
    if any(covers(entry, client) for entry in entries):
        return True
    if NETWORK.search(client):
        return False
    mine = addresses(host, client)
    if any(covers(entry, address) for entry in entries for address in mine):
        return True
    names = [entry for entry in entries if not NETWORK.search(entry)]
    return any(mine & addresses(host, name) for name in names) if mine else None


def addresses(host: Host, name: str) -> Set[str]:
    """What the host's own name service has for this name (getent(1)); empty for nothing within seconds."""
    if "/" in canonical(name):
        return {canonical(name)}
    try:
        out = host.run("getent", "ahosts", name, tolerate={2: "not known"}, seconds=_SECONDS).out
    except HookError:  # no answer is no address
        return set()
    return {canonical(line.split()[0]) for line in out.splitlines() if line.strip()}
