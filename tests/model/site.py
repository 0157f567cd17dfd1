"""A site of the model: hosts on one network, one storage, and what they find of each other."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from pathlib import Path

from tests.model.host import lvm, mount_tools, nfsd, small_tools, units  # noqa: F401 - they register commands
from tests.model.host.linux import LinuxHost
from tests.model.host.mounts import Mount
from tests.model.host.storage import Storage
from tests.model.host.tools import TOOLS

DOMAIN = "sub.vcn.oraclevcn.com"
_NFS = 2049


class Site:
    """All hosts by name. Every command of any host ends with a look at the invariant of the storage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = Storage(folder / "storage")
        self.hosts: dict[str, LinuxHost] = {}
        self.names: dict[str, str] = {}  # of the network's own name service: lower case to address

    def add(self, name: str, *addresses: str) -> LinuxHost:
        """A host that runs; the name service knows it by its short and its full name."""
        host = self.hosts[name] = LinuxHost(self, name, addresses)
        self.names[name] = self.names[f"{name}.{DOMAIN}"] = addresses[0]
        for each in self.hosts.values():
            each.names = self.names
        return host

    def programs(self) -> Path:
        """The folder of the commands that an installed host has."""
        folder = self.folder / "sbin"
        if not folder.exists():
            folder.mkdir()
            for name in {*TOOLS, "rpc.nfsd", "xfs_repair"}:
                (folder / name).touch(0o755)
        return folder

    @staticmethod
    def is_address(text: str) -> bool:
        with suppress(ValueError):
            return bool(ipaddress.ip_address(text))
        return False

    def full_name(self, host: LinuxHost, name: str) -> str | None:
        """The canonical name of a name as this host resolves it (getaddrinfo(3), AI_CANONNAME)."""
        address = host.address_of(name)
        found = [key for key, value in host.names.items() if value == address and "." in key]
        return (found or [name.lower()])[0] if address else None

    def at(self, address: str) -> LinuxHost | None:
        """The running host that has this address now."""
        for host in self.hosts.values():
            if host.up and address in host.own_addresses():
                return host
        return None

    def refusal(self, host: LinuxHost, name: str, port: int) -> str:
        """Why there is no TCP connection to this port; empty when there is one."""
        if any(name == found.address and port == found.port for found in self.storage.attachments.values()):
            return ""
        address = host.address_of(name)
        if address is None:
            return "[Errno -2] Name or service not known"
        server = self.at(address)
        if server is None:
            return "timed out"
        listens = (port == _NFS and server.nfsd.threads) or port == 22
        return "" if listens else "[Errno 111] Connection refused"

    def ask(self, client: LinuxHost, address: str, path: str) -> str:
        """Why a mount of this path ends: empty, "silent" (it waits for ever) or the server's answer."""
        server = self.at(address)
        if server is None or not server.nfsd.threads:
            return "silent"
        if server.nfsd.serves(client, path) is None:
            return "access denied by server"
        return "" if Path(server.path(server.nfsd.meant(path))).is_dir() else "No such file or directory"

    def answer(self, client: LinuxHost, mount: Mount) -> str:
        """As `ask`, for what is mounted already."""
        return self.ask(client, mount.address, mount.path)

    def look(self) -> None:
        """No volume may be in use on two hosts: active there, over a disk that the host can reach or not."""
        for volume in self.storage.volumes.values():
            using = [
                host.name
                for host in self.hosts.values()
                if host.up and (volume.name in _mounted(host) or _active(host, volume.name))
            ]
            assert len(using) < 2, f"{volume.name} is active on {using}"


def _mounted(host: LinuxHost) -> list[str]:
    """Volumes with a filesystem straight on them that is mounted."""
    return [m.block.volume.name for m in host.mounts.table if m.block and m.block.volume]


def _active(host: LinuxHost, volume: str) -> bool:
    return any(_uses(block, volume) for block in host.devices.blocks.values())


def _uses(block: object, volume: str) -> bool:
    below = getattr(block, "below", [])
    return any(item.volume and item.volume.name == volume for item in below)
