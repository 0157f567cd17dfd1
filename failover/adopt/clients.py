"""The clients of a server: those that it sees, those of a file, and what each has mounted of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from failover.hosts.hook_runner import Hosts
from failover.hosts.ssh import Silent
from failover.model import identifiers
from failover.model.outcome import FailoverError, Usage
from failover.model.site import Client, ClientMount
from hooks.client.site_names import option, plain, source_of
from hooks.contract.client_spec import mount_fault, path_fault
from hooks.contract.paths import normalized
from hooks.host import mounts as mount_table

_AT_ONCE = 32
_SECONDS = 30.0
_NFS = ("nfs", "nfs4")


@dataclass(frozen=True)
class Candidate:
    """A host that may be a client: its address or name, and why it is thought one."""

    address: str
    why: str


@dataclass(frozen=True)
class ClientLook:
    """What one candidate came to: a client, or the reason why it is not in site.toml."""

    candidate: Candidate
    client: Client | None
    reason: str = ""


def read_file(path: Path) -> tuple[str, ...]:
    """The hosts of a file, one a line, # begins a comment. Raises Usage naming the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin it with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(
            f"--clients {path}: not readable: {error}", "name a text file with one host a line"
        ) from error
    return hosts_in(text, str(path))


def hosts_in(text: str, name: str) -> tuple[str, ...]:
    """The hosts of such a text, each once, in its order. Raises Usage naming the line."""
    addresses: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.partition("#")[0].split():
            if len(words) > 1:
                raise Usage(
                    f"{name} line {number}: found {line.strip()!r}, expected one host", "one host a line"
                )
            addresses.append(identifiers.address(words[0], f"{name} line {number}"))
    return tuple(dict.fromkeys(addresses))


def candidates(
    observed_clients: Mapping[str, Iterable[str]], named: Iterable[str], own: Iterable[str]
) -> tuple[Candidate, ...]:
    """Those of the file and those that the server sees, without its own addresses.

    `observed_clients`: by address, what the server sees of the client.
    """
    mine = {plain(address) for address in own} | {"127.0.0.1", "::1", "localhost"}
    by_address = {plain(name): Candidate(name, "named in the file of clients") for name in named}
    for address, ways in observed_clients.items():
        by_address.setdefault(plain(address), Candidate(address, f"seen by the server ({', '.join(ways)})"))
    return tuple(item for key, item in by_address.items() if key not in mine)


def look(
    many: Iterable[Candidate], hosts: Hosts, server: Iterable[str], names: Iterable[str], root: str | None
) -> tuple[ClientLook, ...]:
    """Each candidate's mounts of the server, all asked at once, each with a deadline of its own.

    `server`: its addresses, `names`: what clients may call it. `root`: the export that is NFSv4's root.
    """
    ours = {plain(one) for one in (*server, *names)}
    listed = list(many)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda one: _look(one, hosts, ours, root), listed))


def _look(candidate: Candidate, hosts: Hosts, ours: set[str], root: str | None) -> ClientLook:
    try:
        identifiers.address(candidate.address, "its name here")
    except Usage as error:  # mountd's record has names as a client gave them
        return ClientLook(candidate, None, f"{error.reason}; name its address in a file of --clients")
    try:
        host = hosts.at(candidate.address, candidate.address).ssh
        table = host.run(["cat", "/proc/self/mountinfo"], _SECONDS)
        name = host.run(["uname", "-n"], _SECONDS).out.strip().lower()
    except Silent as error:
        return ClientLook(candidate, None, f"no answer: {error}")
    except FailoverError as error:
        return ClientLook(candidate, None, error.reason)
    mounts = mounts_of(table.out, ours, root)
    if not mounts:
        return ClientLook(candidate, None, "it has mounted nothing of this server now")
    return ClientLook(candidate, Client(_name(name, candidate.address), candidate.address, mounts))


def mounts_of(mountinfo: str, ours: set[str], root: str | None) -> tuple[ClientMount, ...]:
    """The NFS mounts of this server in a client's mount table: by the address that the kernel talks to.

    A bind mount of one is not one of its own; a path below NFSv4's root gets that in front.
    """
    path_by_mount: dict[str, str] = {}
    for item in mount_table.parse(mountinfo):
        source = source_of(item.source)
        if item.type not in _NFS or source is None or item.root != "/":
            continue
        address = option(item.options, "addr")
        if not {plain(address), source.host} & ours or mount_fault(item.mount):
            continue
        path = source.path
        if root and path != root and not path.startswith(root.rstrip("/") + "/") and item.type == "nfs4":
            path = normalized(root + "/" + path)
        if not path_fault(path):
            path_by_mount[normalized(item.mount)] = path
    return tuple(ClientMount(path, mount) for mount, path in sorted(path_by_mount.items()))


def _name(given: str, address: str) -> str:
    """The client's own name; where it has none that fits, its address."""
    short = given.partition(".")[0]
    if identifiers.HOSTNAME.fullmatch(short) and short != "localhost":
        return short
    return re.sub(r"[^a-z0-9]+", "-", f"client-{address.lower()}").strip("-")
