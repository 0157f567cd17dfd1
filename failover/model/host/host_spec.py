"""The hooks' specs as JSON documents: the stack's output has one, and hooks/contract/parse.py reads them.

The keys are those of hooks/contract/spec.py and client_spec.py; the hooks check each value once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict, cast

from failover.model.outcome import Usage

VERSION = 1


class PortalItem(TypedDict, total=False):
    """Where a volume's target answers; empty while it is not known."""

    iqn: str
    address: str
    port: int
    shareable: bool


class VolumeItem(PortalItem, total=False):
    """A volume; in the stack's output it is without its portal."""

    name: str
    volume_id: str | None


class GroupItem(TypedDict):
    """A volume group and the names of its volumes."""

    name: str
    volumes: list[str]


class FilesystemItem(TypedDict):
    """A filesystem on a logical volume, or straight on `volume`. `uuid` None: any."""

    mount: str
    type: str
    options: str
    volume_group: NotRequired[str | None]
    logical_volume: NotRequired[str | None]
    volume: NotRequired[str | None]
    uuid: NotRequired[str | None]


class ExportItem(TypedDict):
    """An exported folder."""

    path: str
    clients: NotRequired[list[str]]
    options: NotRequired[str]
    fsid: NotRequired[int | None]


class AddressItem(TypedDict):
    """The service address and the length of its subnet's prefix."""

    address: str
    prefix: int


class SettingsItem(TypedDict):
    """Further files of the root disk that move with the data (hooks/contract/settings.py)."""

    files: list[str]


class LocksItem(TypedDict):
    """How long NFSv4 clients may be silent, and have to take their locks back (hooks/layers/locks/)."""

    lease_seconds: int
    grace_seconds: int


class ServerDocument(TypedDict, total=False):
    """What a server carries."""

    version: int
    role: str
    deadline_seconds: int
    volumes: list[VolumeItem]
    volume_groups: list[GroupItem]
    filesystems: list[FilesystemItem]
    exports: list[ExportItem]
    service_address: AddressItem | None
    settings: SettingsItem | None
    locks: LocksItem | None
    networks: list[str]  # of further VNICs, as CIDR blocks


def no_layers(deadline_seconds: int) -> ServerDocument:
    """A server's spec without portals and layers: the inventory takes what there is, whatever that is."""
    return {
        "version": VERSION,
        "role": "server",
        "deadline_seconds": deadline_seconds,
        "volumes": [],
        "volume_groups": [],
        "filesystems": [],
        "exports": [],
    }


class ServerNames(TypedDict):
    """A server by the name, hostname and addresses that clients may mount from."""

    name: str
    hostname: str
    addresses: list[str]


class MountItem(TypedDict):
    """One mount of a client: the exported `path` at `mount`."""

    path: str
    mount: str


class ClientDocument(TypedDict):
    """What a client mounts, and from where. `root`: the export that is NFSv4's root (exports(5), fsid=0).

    `aim`: what its lines are to name (hooks/contract/client_spec.py).
    """

    version: int
    role: str
    deadline_seconds: int
    mode: str
    server: str
    servers: list[ServerNames]
    service: list[str]
    exports: list[str]
    root: str | None
    mounts: list[MountItem]
    aim: NotRequired[str]


HostDocument = ServerDocument | ClientDocument

_REQUIRED = {
    "volumes": ("name",),
    "volume_groups": ("name", "volumes"),
    "filesystems": ("mount",),
    "exports": ("path",),
}


def of_output(output: Any) -> ServerDocument:
    """The spec in the stack's output. Raises Usage that names the key that is missing or of another type."""
    if not isinstance(output, Mapping) or not isinstance(output.get("volumes"), list):
        raise _unusable("spec.volumes", "a list")
    for key, names in _REQUIRED.items():
        _check(key, output.get(key, []), names)
    return cast(ServerDocument, output)


def _check(key: str, items: Any, names: Iterable[str]) -> None:
    if not isinstance(items, list):
        raise _unusable(f"spec.{key}", "a list")
    for number, item in enumerate(items):
        for name in names:
            if not isinstance(item, Mapping) or name not in item:
                raise _unusable(f"spec.{key}[{number}]", f"an object with {name}")


def _unusable(where: str, expected: str) -> Usage:
    return Usage(
        f"the stack's output `failover`: {where} is not {expected}: the state is from another version of "
        "terraform/",
        "run `terraform apply -refresh-only` in the stack's folder, then try again",
    )
