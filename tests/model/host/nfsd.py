"""The NFS server of a host: exports(5) as exportfs(8) reads it, the kernel's table, and who gets in."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome
from tests.model.host.mounts import Mount, inside, normal
from tests.model.host.tools import Unmodelled, fail, none_left, ok, option, options, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_DEFAULTS = ["sync", "wdelay", "hide", "no_subtree_check", "sec=sys", "ro", "root_squash", "no_all_squash"]
_OPPOSITES = {"rw": "ro", "async": "sync", "no_root_squash": "root_squash", "all_squash": "no_all_squash"}
_LISTENS = (
    "   0: 00000000:0801 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 18349 1\n"
)
_TCP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_WORD = re.compile(r"([^()]*)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Entry:
    """One line of the table: `client` as exportfs keeps it."""

    path: str
    client: str
    options: str

    def shown(self) -> str:
        words = list(_DEFAULTS)
        for word in [word for word in self.options.split(",") if word]:
            if word.startswith("fsid=") or word in ("mountpoint", "insecure", "crossmnt"):
                words.append(word)
            elif word.startswith(("mp=", "mountpoint=")):
                words.append("mountpoint=" + word.partition("=")[2])
            elif _OPPOSITES.get(word) in words:
                words[words.index(_OPPOSITES[word])] = word
        return ",".join(words)


def canonical_client(host: LinuxHost, client: str) -> str | None:
    """The name under which exportfs keeps a client: a host's full name; None when it does not resolve."""
    if not client or client == "*":
        return "*"
    if client.startswith("@") or "*" in client or "?" in client or "/" in client:
        return client
    if host.site.is_address(client):
        return client
    return host.site.full_name(host, client)


def entries_in(host: LinuxHost, text: str) -> tuple[list[Entry], list[str]]:
    """The entries of a file, and the clients that did not resolve."""
    found, unresolved = [], []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.partition("#")[0].replace('"', "").split()
        common = ""
        for word in words[1:] or ["*"][: len(words)]:
            if word.startswith("-"):
                common = word[1:]
                continue
            match = _WORD.fullmatch(word)
            if not match:
                raise Unmodelled("exports: " + line)
            client = canonical_client(host, match[1])
            given = ",".join(part for part in (common, match[2] or "") if part)
            if client is None:
                unresolved.append(match[1])
            else:
                found.append(Entry(words[0].rstrip("/") or "/", client, given))
    return found, unresolved


class Nfsd:
    """Threads, exportfs's table by path and client, and which of its entries clients have used."""

    def __init__(self, host: LinuxHost) -> None:
        self.host = host
        self.threads = 0
        self.table: dict[tuple[str, str], Entry] = {}
        self._used: set[tuple[str, str]] = set()

    def files(self) -> list[str]:
        folder = self.host.path("/etc/exports.d")
        names = sorted(path.name for path in Path(folder).iterdir())
        return ["/etc/exports"] + [f"/etc/exports.d/{name}" for name in names if name.endswith(".exports")]

    def read_files(self) -> list[str]:
        """exportfs -ra: the table is what the files say; returns the clients that did not resolve."""
        self.table, bad = {}, []
        for name in self.files():
            found, unresolved = entries_in(self.host, self.host.read(name) or "")
            bad += unresolved
            for (
                entry
            ) in found:  # of two for one path and client the first counts: "duplicated export entries"
                self.table.setdefault((entry.path, entry.client), entry)
        self._used.clear()
        self.show()
        return bad

    def start(self) -> None:
        self.read_files()
        self.threads = 8
        self.show()

    def stop(self) -> None:
        self.threads = 0
        self.table.clear()
        self._used.clear()
        self.show()

    def holds(self, mount: Mount) -> bool:
        """nfsd keeps a reference to a filesystem that a client has used, until its entry is flushed."""
        return bool(self.threads) and any(
            self.host.mounts.walk(self.host.mounts.canonical(path)) is mount for path, _ in self._used
        )

    def serves(self, client: LinuxHost, path: str) -> Entry | None:
        """The entry that gives this client this path, if any: its own or one above on the same mount."""
        if not self.threads:
            return None
        path = self.meant(path)
        walk, canonical = self.host.mounts.walk, self.host.mounts.canonical
        for entry in sorted(self.table.values(), key=lambda item: -len(item.path)):
            near = inside(path, entry.path) and walk(canonical(path)) is walk(canonical(entry.path))
            if near and self._mounted(entry) and self._lets_in(entry.client, client):
                return entry
        return None

    def meant(self, path: str) -> str:
        """NFSv4's root is the export with fsid=0: clients name paths from there (exports(5))."""
        for entry in self.table.values():
            if {"fsid=0", "fsid=root"} & set(entry.options.split(",")) and not inside(path, entry.path):
                return normal(entry.path + path)
        return path

    def _mounted(self, entry: Entry) -> bool:
        """The option mp: nothing is exported while nothing is mounted there (exports(5))."""
        for word in entry.options.split(","):
            if word in ("mp", "mountpoint") or word.startswith(("mp=", "mountpoint=")):
                place = word.partition("=")[2] or entry.path
                return self.host.mounts.top(self.host.mounts.canonical(place)) is not None
        return True

    def _lets_in(self, wanted: str, client: LinuxHost) -> bool:
        if wanted == "*":
            return True
        if "/" in wanted:
            network = ipaddress.ip_network(wanted, strict=False)
            return any(ipaddress.ip_address(address) in network for address in client.own_addresses())
        if "*" in wanted or "?" in wanted:
            return fnmatch(self.host.site.full_name(self.host, client.name) or "", wanted)
        address = self.host.address_of(wanted)
        return address in client.own_addresses()

    def used(self, client: LinuxHost, path: str) -> None:
        entry = self.serves(client, path)
        if entry:
            self._used.add((entry.path, entry.client))
            self.show()

    def flush(self) -> None:
        """The kernel forgets, and asks mountd anew for whatever clients still use."""
        self._used &= set(self.table)
        self.show()

    def drop(self, key: tuple[str, str]) -> None:
        del self.table[key]
        self._used.discard(key)
        self.show()

    def show(self) -> None:
        host = self.host
        host.show("/proc/fs/nfsd/threads", f"{self.threads}\n")
        host.show("/proc/net/tcp", _TCP + (_LISTENS if self.threads else ""))
        host.show("/proc/net/tcp6", _TCP)
        lines = [f"{entry.path}\t{entry.client}({entry.shown()})\n" for entry in self.table.values()]
        host.show("/var/lib/nfs/etab", "".join(lines))
        used = [
            f"{path}\t{client}({self.table[path, client].shown()})\n" for path, client in sorted(self._used)
        ]
        text = "# Version 1.1\n# Path Client(Flags) # IPs\n" + "".join(used)
        host.show("/proc/fs/nfsd/exports", text)
        host.show("/proc/net/rpc/nfsd.export/content", "#path domain(flags)\n" + "".join(used))


@tool("exportfs")
def exportfs(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    flags = taken(arguments, "-s", "-v", "-ra", "-r", "-a", "-f", "-au", "-u", "-ua")
    nfsd = host.nfsd
    if flags == {"-u"}:
        return _unexport(host, arguments)
    given = options(arguments, "-o")
    none_left("exportfs", arguments)
    if given or len(flags) > 1:
        raise Unmodelled(f"exportfs {flags} {given}")
    if flags == {"-f"}:
        nfsd.flush()
        return ok()
    if flags & {"-ra", "-r"}:
        bad = nfsd.read_files()
        return fail(1, "".join(f"exportfs: Failed to resolve {name}\n" for name in bad)) if bad else ok()
    if flags == {"-s"}:
        return ok("".join(f"{e.path:<14} {e.client}({e.shown()})\n" for e in nfsd.table.values()))
    if flags <= {"-v"}:
        return ok("".join(_verbose(entry, bool(flags)) for entry in nfsd.table.values()))
    raise Unmodelled(f"exportfs {flags}")


def _verbose(entry: Entry, options_too: bool) -> str:
    client = "<world>" if entry.client == "*" else entry.client
    gap = "\n\t\t" if len(entry.path) > 14 else "\t"
    return f"{entry.path:<15}{gap}{client}" + (f"({entry.shown()})\n" if options_too else "\n")


def _unexport(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    (word,) = arguments
    client, _, path = word[1:].partition("]:/") if word.startswith("[") else word.partition(":/")
    kept = canonical_client(host, client) or client
    key = ("/" + path, kept)
    if key not in host.nfsd.table:
        return fail(1, f"exportfs: Could not find '{word}' to unexport.")
    host.nfsd.drop(key)
    return ok()


@tool("showmount")
def showmount(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    taken(arguments, "--no-headers")
    name = option(arguments, "-e") or ""
    none_left("showmount", arguments)
    server = host.site.at(host.address_of(name) or "")
    if server is None or not server.nfsd.threads:
        return fail(1, "clnt_create: RPC: Unable to receive")
    return ok("".join(f"{entry.path} {entry.client}\n" for entry in server.nfsd.table.values()))
