"""The hooks' specs for a server and for a client, made of the stack, the API's portals and the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from failover.contract import Stack
from failover.seen import Attachment
from failover.site import Client


def server_spec(
    stack: Stack, attachments: Mapping[str, Attachment], deadline_seconds: float
) -> dict[str, Any]:
    """The spec for a server that holds `attachments` (by volume name); portals are as fresh as they are."""
    volumes = [
        {
            **volume,
            "iqn": attachments[volume["name"]].iqn,
            "address": attachments[volume["name"]].address,
            "port": attachments[volume["name"]].port,
        }
        for volume in stack.spec["volumes"]
    ]
    return {**stack.spec, "volumes": volumes, "deadline_seconds": int(deadline_seconds)}


def client_spec(
    client: Client, server: str, former_servers: Iterable[str], mode: str, deadline_seconds: float
) -> dict[str, Any]:
    """The spec that makes the client mount from `server` what it mounts from one of `former_servers`."""
    former = sorted(set(former_servers) - {server})
    return {
        "version": 1,
        "role": "client",
        "deadline_seconds": int(deadline_seconds),
        "mode": mode,
        "mounts": [
            {"server": server, "path": m.path, "mount": m.mount, "type": "nfs", "former_servers": former}
            for m in client.mounts
        ],
    }
