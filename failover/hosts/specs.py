"""The hooks' specs for a server and for a client, made of the stack, the API's portals and the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from failover.model.attachments import Attachment
from failover.model.host.host_spec import (
    VERSION,
    ClientDocument,
    FilesystemItem,
    PortalItem,
    ServerDocument,
    ServerNames,
)
from failover.model.site import Client, ClientMode
from failover.model.stack_output import Server, Stack, Volume


def server_spec(
    stack: Stack, attachments: Mapping[str, Attachment], deadline_seconds: float
) -> ServerDocument:
    """The spec for a server that holds `attachments` (by volume name); portals are as fresh as they are.

    Of a volume that it does not hold (a switch that was cut off) the portal is the state's, the last one
    known; without any, the volume is left out, with what lies straight on it.
    """
    portals = {name: _portal(stack.volumes[name], attachments.get(name)) for name in stack.volumes}
    known = [v["name"] for v in stack.spec["volumes"] if portals.get(v["name"])]
    items = stack.spec.get("filesystems", [])
    filesystems = [f for f in items if f.get("volume") in (None, *known)]
    lost = [f["mount"] for f in items if f not in filesystems]
    return {
        **stack.spec,
        "volumes": [{**v, **portals[v["name"]]} for v in stack.spec["volumes"] if v["name"] in known],
        "volume_groups": [
            {**g, "volumes": [name for name in g["volumes"] if name in known]}
            for g in stack.spec.get("volume_groups", [])
        ],
        "filesystems": filesystems,
        "exports": [e for e in stack.spec.get("exports", []) if _on(e["path"], items) not in lost],
        "deadline_seconds": int(deadline_seconds),
    }


def with_uuids(spec: ServerDocument, learnt: Mapping[str, str] | None) -> ServerDocument:
    """The same spec; a filesystem without a UUID has the one that was learnt, by its mount point."""
    known = learnt or {}
    items: list[FilesystemItem] = [
        {**item, "uuid": item.get("uuid") or known.get(item["mount"])} for item in spec.get("filesystems", [])
    ]
    return {**spec, "filesystems": items}


def whole(stack: Stack, spec: ServerDocument) -> bool:
    """Whether every volume group and every filesystem of the stack is in this spec, as far as it can be: a
    group needs one volume whose portal is known, what lies straight on a volume needs that one's."""
    same = len(spec["filesystems"]) == len(stack.spec.get("filesystems", []))
    return same and bool(spec["volumes"]) and all(group["volumes"] for group in spec["volume_groups"])


def _on(path: str, filesystems: Sequence[FilesystemItem]) -> str | None:
    """The mount point of the filesystem that this path lies in."""
    mounts = [f["mount"] for f in filesystems if (path + "/").startswith(f["mount"] + "/")]
    return max(mounts, key=len, default=None)


def _portal(volume: Volume, attachment: Attachment | None) -> PortalItem:
    """Empty when it is not known; an attachment has none before it is ATTACHED."""
    if attachment and attachment.address:
        portal: PortalItem = {"iqn": attachment.iqn, "address": attachment.address, "port": attachment.port}
        return {**portal, "shareable": True} if attachment.shareable else portal
    if volume.iqn and volume.address and volume.port:
        return {"iqn": volume.iqn, "address": volume.address, "port": volume.port}
    return {}


def client_spec(
    client: Client, stack: Stack, target: str, mode: ClientMode, deadline_seconds: float
) -> ClientDocument:
    """The spec that makes the client mount from the server `target` what it mounts from any of the site's.

    It names every server as the stack knows it; the client adds what those names resolve to there.
    """
    return {
        "version": VERSION,
        "role": "client",
        "deadline_seconds": int(deadline_seconds),
        "mode": mode,
        "server": target,
        "servers": [_server_names(server) for server in stack.servers.values()],
        "service": [name for name in (stack.service_ip, stack.dns_name) if name],
        "exports": [export["path"] for export in stack.spec.get("exports", [])],
        "root": _root_export(stack),
        "mounts": [{"path": m.path, "mount": m.mount} for m in client.mounts],
    }


def _server_names(server: Server) -> ServerNames:
    return {"name": server.name, "hostname": server.hostname, "addresses": list(server.addresses)}


def _root_export(stack: Stack) -> str | None:
    """The export that is NFSv4's root: clients name paths from there (exports(5), fsid=0 or root)."""
    for export in stack.spec.get("exports", []):
        options = str(export.get("options") or "").split(",")
        if export.get("fsid") == 0 or {"fsid=0", "fsid=root"} & set(options):
            return str(export["path"])
    return None
