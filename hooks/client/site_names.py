"""Which server of the site a name is, on this client: by every address, full name, short name and alias."""

import ipaddress
import threading
from typing import Dict, Iterable, List, NamedTuple, Optional, Set

from hooks.contract.client_spec import TO_SERVICE, ClientSpec, KnownServer
from hooks.contract.paths import normalized
from hooks.host.host import Host
from hooks.host.mounts import Mounted

SERVICE = "the service"  # the owner of the address and the name that follow whoever serves
SEVERAL = "several servers"
_RESOLVE_SECONDS = 3.0


class Source(NamedTuple):
    """What an NFS mount names: a host (plain; empty: the options' addr=) and a normalized path."""

    host: str
    path: str


def source_of(text: str) -> Optional[Source]:
    """HOST:PATH, or None for anything else (nfs(5): an IPv6 address stands in brackets)."""
    host, colon, path = text.partition(":/")
    if not colon or "/" in host:
        return None
    return Source(plain(host), normalized("/" + path))


def plain(host: str) -> str:
    """A name in lower case without the root's dot, an address as ipaddress writes it."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(name.split("%")[0]))
    except ValueError:
        return name


def is_address(host: str) -> bool:
    """Whether this is an IP address, in brackets or not."""
    try:
        ipaddress.ip_address(plain(host))
    except ValueError:
        return False
    return True


def option(options: str, name: str) -> str:
    """The value of NAME=VALUE in a list of mount options; empty when it is not there."""
    values = [word.partition("=")[2] for word in options.split(",") if word.startswith(name + "=")]
    return values[-1] if values else ""


def resolved(host: Host, names: Iterable[str], seconds: float = _RESOLVE_SECONDS) -> Dict[str, List[str]]:
    """The addresses of each name, all looked up at once; none for a name without an answer in time."""
    addresses_by_name: Dict[str, List[str]] = {}

    def look(name: str) -> None:
        addresses_by_name[name] = [plain(address) for address in host.resolve(name)]

    threads = [threading.Thread(target=look, args=(name,), daemon=True) for name in sorted(set(names))]
    for thread in threads:
        thread.start()
    end = host.now() + seconds
    for thread in threads:
        thread.join(max(0.0, end - host.now()))
    return dict(addresses_by_name)


class SiteNames:
    """The site's servers as this client knows them.

    `hosts`: names that will be looked up. `mounted`: a name that does not resolve now is what the kernel's
    mount of it has as its address.
    """

    def __init__(
        self, host: Host, spec: ClientSpec, hosts: Iterable[str], mounted: Iterable[Mounted] = ()
    ) -> None:
        self._spec = spec
        self._service = {plain(name) for name in spec.service}
        every = {plain(name) for name in hosts} | self._service
        every |= {plain(name) for server in spec.servers for name in (server.hostname, server.name)}
        self.addresses = resolved(host, {name for name in every if name and not is_address(name)})
        self._learn(mounted)
        self._claims: Dict[str, str] = {plain(item): SERVICE for item in spec.service if is_address(item)}
        for server in spec.servers:
            for address in server.addresses:
                self._claims.setdefault(plain(address), server.name)
        for server in spec.servers:  # what the contract says goes first, whoever has /etc/hosts edited
            for name in (server.hostname, server.name):
                for address in self.addresses.get(plain(name), []):
                    self._claims.setdefault(address, server.name)

    def _learn(self, mounted: Iterable[Mounted]) -> None:
        for item in mounted:
            source, address = source_of(item.source), option(item.options, "addr")
            if (
                source
                and address
                and source.host not in self._service
                and not self.addresses.get(source.host)
            ):
                self.addresses[source.host] = [plain(address)]

    def owner(self, host: str) -> str:
        """The server's name, SERVICE, SEVERAL, or empty for a stranger.

        What a name resolves to on this client counts; where that is no known address, how it is spelled.
        """
        name = plain(host)
        if name in self._service:
            return SERVICE
        if is_address(name):
            return self._claims.get(name, "")
        owners = {
            self._claims[address] for address in self.addresses.get(name, []) if address in self._claims
        }
        if owners:
            return SERVICE if SERVICE in owners else owners.pop() if len(owners) == 1 else SEVERAL
        spelled = [
            item.name for item in self._spec.servers if name in (plain(item.hostname), plain(item.name))
        ]
        return "" if not spelled or self.addresses.get(name) else spelled[0]

    def of_line(self, source: str, options: str) -> str:
        """The owner of what a line would mount from; `addr=` stands in where the source has no host."""
        parsed = source_of(source)
        return self.owner(parsed.host or option(options, "addr")) if parsed else ""

    def of_mount(self, mounted: Mounted) -> str:
        """The owner of a mount: by the address that the kernel has for it, whatever its name is by now."""
        address = plain(option(mounted.options, "addr"))
        return self._claims.get(address, "") or self.of_line(mounted.source, mounted.options)

    def leads_elsewhere(self, host: str) -> str:
        """The former server whose address the service's name still has on this client; empty when none."""
        owners: Set[str] = {self._claims.get(address, "") for address in self.addresses.get(plain(host), [])}
        return ", ".join(sorted(owners - {"", SERVICE, self._spec.server}))

    def target_as(self, host: str, before: str = "") -> str:
        """What the target is called in the place of `host`: an address for an address, a name for a name.

        `before`: what a migrated line named once, whose style counts then; itself where it is the target's.
        The full name's domain is kept where the target has it too. A name that does not lead to the target
        on this client gives way to its address, where that is known.
        """
        if self._spec.aim == TO_SERVICE:
            return self._service_as(plain(host))
        target, name = self._spec.target, plain(before or host)
        if before and self.owner(before) == target.name:
            return before
        known = [plain(address) for address in target.addresses]
        if is_address(name):
            return _like(name, known + self.addresses.get(plain(target.hostname), [])) or target.hostname
        former = [address for address in self.addresses.get(name, []) if self._claims.get(address)]
        near = {_like(address, known) for address in former} if len(known) > 1 else set()
        domain = name.partition(".")[2]
        for called in [target.hostname + "." + domain] * bool(domain) + [target.hostname, target.name]:
            if self._leads_to(called, target, near):
                return called
        return ([address for address in known if address in near] + known + [target.hostname])[0]

    def _service_as(self, host: str) -> str:
        """The service's address; its name in the place of a name, where that leads there on this client."""
        addresses = [plain(item) for item in self._spec.service if is_address(item)]
        if not is_address(host):
            for name in self._spec.service:
                leads = [] if is_address(name) else self.addresses.get(plain(name), [])
                if leads and set(leads) <= set(addresses):
                    return name
        return _like(host, addresses) or host

    def _leads_to(self, name: str, target: KnownServer, near: Set[str]) -> bool:
        """Whether the name is the target's here; `near`: and one of these addresses, where there are any."""
        addresses = self.addresses.get(plain(name), [])
        return (
            self.owner(name) == target.name and bool(addresses) and (not near or bool(near & set(addresses)))
        )


def _like(address: str, others: List[str]) -> str:
    """The one of the others that has most bits in common with the address; empty when there is none.

    Where one of them is in the address's own subnet, that is the one, whatever the subnet's size.
    """
    return max(others, key=lambda other: _common_bits(address, other), default="")


def _common_bits(one: str, other: str) -> int:
    """How many leading bits two addresses share; -1 for two families, or for no address."""
    try:
        left, right = ipaddress.ip_address(one), ipaddress.ip_address(other)
    except ValueError:
        return -1
    if left.version != right.version:
        return -1
    return left.max_prefixlen - (int(left) ^ int(right)).bit_length()


def names_worth_a_look(spec: ClientSpec, hosts: Iterable[str]) -> Set[str]:
    """The names, and what the target would be called in the same domain."""
    names = {plain(host) for host in hosts if host and not is_address(host)}
    return names | {spec.target.hostname + "." + name.partition(".")[2] for name in names if "." in name}
