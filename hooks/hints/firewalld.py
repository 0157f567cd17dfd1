"""Whether firewalld lets NFS in, by its own list (firewall-cmd(1), --list-all-zones)."""

import re
from typing import Dict, List, Set

from hooks.host.host import HookError, Host
from hooks.host.processes import runs

_ACTIVE = re.compile(r"\S+ \(.*active\)\n")
_RULE = re.compile(r'(service name|port port)="(nfs|2049)".* accept')
_SECONDS = 30.0


def hints(host: Host) -> List[str]:
    """At most one hint. Rules that firewalld does not list may let clients in, so this is not a refusal.

    This code never opens a port.
    """
    try:
        return closed(host)
    except HookError:  # a takeover must not fail for a hint; the runner notes what went wrong
        return []


def closed(host: Host) -> List[str]:
    """At most one line: that firewalld runs and lets no NFS in, and what would. Raises HookError."""
    if not runs(host, "firewalld"):
        return []
    listed = host.run("firewall-cmd", "--list-all-zones", seconds=_SECONDS).out
    # each call starts a Python of its own: the default zone is asked for only where it matters
    default = "" if _bound(listed) else _default(host)
    text = "firewalld lets no NFS in; `firewall-cmd --zone={} --add-service=nfs` would (and --permanent)"
    return [text.format(zone) for zone in closed_zones(listed, default)[:1]]


def _default(host: Host) -> str:
    return host.run("firewall-cmd", "--get-default-zone", seconds=_SECONDS).out.strip()


def has_direct_rules(host: Host) -> bool:
    """Whether firewalld has direct rules, which no zone lists; raises HookError."""
    return bool(host.run("firewall-cmd", "--direct", "--get-all-rules", seconds=_SECONDS).out.strip())


def closed_zones(listed: str, default: str) -> List[str]:
    """The zones in use when none of them lets NFS in; empty when one does.

    In use are the active ones, and the default zone where none of those has an interface.
    """
    blocks = _blocks(listed)
    used = _active(blocks) | (set() if _bound(listed) else {default} & set(blocks))
    return [] if any(_open(blocks[name]) for name in used) else sorted(used)


def _blocks(listed: str) -> Dict[str, str]:
    return {block.split(None, 1)[0]: block for block in re.split(r"\n(?=\S)", listed) if block.strip()}


def _active(blocks: Dict[str, str]) -> Set[str]:
    return {name for name, block in blocks.items() if _ACTIVE.match(block)}


def _bound(listed: str) -> bool:
    """Whether an active zone has an interface."""
    blocks = _blocks(listed)
    return any(_fields(blocks[name]).get("interfaces") for name in _active(blocks))


def _fields(block: str) -> Dict[str, str]:
    return dict(re.findall(r"^  ([a-z ]+): ?(.*)$", block, re.MULTILINE))


def _open(block: str) -> bool:
    fields = _fields(block)
    ports = [word.split("/") for word in fields.get("ports", "").split() if word.endswith("/tcp")]
    return (
        fields.get("target") == "ACCEPT"
        or "nfs" in fields.get("services", "").split()
        or any(_within(2049, port[0]) for port in ports)
        or bool(_RULE.search(block))
    )


def _within(port: int, ports: str) -> bool:
    first, _, last = ports.partition("-")
    return int(first) <= port <= int(last or first)
