"""Whether firewalld lets NFS in, by its own list (firewall-cmd(1), --list-all-zones)."""

import re
from typing import Dict, List, Set

from hooks.host.host import HookError, Host
from hooks.host.processes import is_running

_ACTIVE = re.compile(r"\S+ \(.*active\)\n")
_RULE = r'(service name|port port)="({}|{})".* accept'
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
    return closed_in(zones_in_use(host))


def closed_in(zones: Dict[str, str]) -> List[str]:
    """The same, of zones that were listed."""
    text = "firewalld lets no NFS in; `firewall-cmd --zone={} --add-service=nfs` would (and --permanent)"
    return [text.format(name) for name in sorted(zones)[:1] if not_let_in(zones, {"nfs": 2049})]


def not_let_in(zones: Dict[str, str], wanted: Dict[str, int]) -> List[str]:
    """Those of these services (with their TCP ports) that none of the zones lets in; none without zones."""
    return [
        name
        for name, port in wanted.items()
        if zones and not any(_lets(block, name, port) for block in zones.values())
    ]


def zones_in_use(host: Host) -> Dict[str, str]:
    """What firewall-cmd lists of each zone in use; empty where firewalld does not run. Raises HookError."""
    if not is_running(host, "firewalld"):
        return {}
    listed = host.run("firewall-cmd", "--list-all-zones", seconds=_SECONDS).out
    # each call starts a Python of its own: the default zone is asked for only where it matters
    return in_use(listed, "" if _bound(listed) else _default(host))


def _default(host: Host) -> str:
    return host.run("firewall-cmd", "--get-default-zone", seconds=_SECONDS).out.strip()


def has_direct_rules(host: Host) -> bool:
    """Whether firewalld has direct rules, which no zone lists; raises HookError."""
    return bool(host.run("firewall-cmd", "--direct", "--get-all-rules", seconds=_SECONDS).out.strip())


def in_use(listed: str, default: str) -> Dict[str, str]:
    """The active zones, and the default one where none of those has an interface."""
    blocks = _blocks(listed)
    used = _active(blocks) | (set() if _bound(listed) else {default} & set(blocks))
    return {name: blocks[name] for name in used}


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


def _lets(block: str, service: str, port: int) -> bool:
    fields = _fields(block)
    ports = [word.split("/") for word in fields.get("ports", "").split() if word.endswith("/tcp")]
    return (
        fields.get("target") == "ACCEPT"
        or service in fields.get("services", "").split()
        or any(_within(port, words[0]) for words in ports)
        or bool(re.search(_RULE.format(service, port), block))
    )


def _within(port: int, ports: str) -> bool:
    first, _, last = ports.partition("-")
    return int(first) <= port <= int(last or first)
