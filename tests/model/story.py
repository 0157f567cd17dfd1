"""A failover on a site of the model, by the real hooks: judgement, release, move, takeover, clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.contract.spec import Spec
from tests.model.building import ADDRESSES
from tests.model.host.linux import LinuxHost
from tests.model.host.storage import Filesystem, PhysicalVolume
from tests.model.layouts import ClientLayout, FilesystemLayout, GroupLayout, SiteLayout
from tests.model.site import Site


def server_spec(site: Site, layout: SiteLayout) -> Spec:
    """The spec with the portals of the present attachments."""
    volumes = [
        {"name": name, "iqn": site.storage.volumes[name].iqn, "address": found.address, "port": found.port}
        for name, found in site.storage.attachments.items()
        if name != "own"
    ]
    address = {"address": layout.service_address, "prefix": 24, "device": "ens3"}
    found: dict[str, Any] = {
        "version": 1,
        "role": "server",
        "deadline_seconds": 300,
        "volumes": volumes,
        "volume_groups": [
            {"name": g.name, "volumes": [f"{g.name}-{n + 1}" for n in range(g.volumes + g.blank)]}
            for g in layout.groups
            if not g.straight
        ],
        "filesystems": [
            {**_place(site, group, item), "mount": item.mount, "type": item.type}
            for group, item in layout.filesystems
        ],
        "exports": [
            {"path": e.path, "clients": list(e.clients), "options": e.options, "fsid": e.fsid}
            for e in layout.exports
        ],
    }
    return parse(json.dumps(found | ({"service_address": address} if layout.service_address else {})))


def _place(site: Site, group: GroupLayout, item: FilesystemLayout) -> dict[str, Any]:
    if group.straight:
        name = f"{group.name}-{group.filesystems.index(item) + 1}"
        disk = site.storage.volumes[name].disk
        (found,) = disk.partitions or (disk.whole,)
        assert isinstance(found, Filesystem)
        return {"volume": name, "uuid": found.uuid}
    uuid = _uuid(site, group.name, item.logical) if item.spec_uuid else None
    return {"volume_group": group.name, "logical_volume": item.logical, "uuid": uuid}


def _uuid(site: Site, group: str, logical: str) -> str:
    for volume in site.storage.volumes.values():
        for content in (volume.disk.whole, *volume.disk.partitions):
            if isinstance(content, PhysicalVolume) and content.group and content.group.name == group:
                found = [item.filesystem for item in content.group.logical if item.name == logical]
                assert found[0]
                return found[0].uuid
    raise AssertionError(f"no volume has {group}/{logical}")


def client_spec(layout: SiteLayout, client: ClientLayout, server: str) -> Spec:
    """The spec that has the client mount from this server; the stack knows some of the addresses."""
    servers = [
        {"name": name, "hostname": name, "addresses": list(addresses[: layout.known_addresses])}
        for name, addresses in ADDRESSES.items()
    ]
    found = {
        "version": 1,
        "role": "client",
        "deadline_seconds": 300,
        "mode": "remount",
        "server": server,
        "servers": servers,
        "service": [layout.service_address] if layout.service_address else [],
        "exports": [export.path for export in layout.exports],
        "root": next((export.path for export in layout.exports if export.fsid == 0), None),
        "mounts": [{"path": path, "mount": mount} for path, mount in client.mounts],
    }
    return parse(json.dumps(found))


def move(site: Site, server: str) -> None:
    """What Terraform does: every volume is detached, and attached to this server with a new portal."""
    mine = [name for name in site.storage.volumes if name != "own"]
    for name in mine:
        site.storage.detach(name)
    for host in site.hosts.values():
        if host.up:
            host.initiator.show()
    for name in mine:
        site.storage.attach(name, server)


def act(host: LinuxHost, action: str, spec: Spec, only: Sequence[str] = ()) -> list[Layer]:
    """One run of the hooks with a fresh deadline."""
    host.begin(300.0)
    found: list[Layer] = getattr(walk, action)(host, spec, only)
    return found


def states(found: Sequence[Layer]) -> set[str]:
    return {layer.state for layer in found}
