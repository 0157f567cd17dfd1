"""The hooks' spec for the host that takes the clones over: the site's own, offered to nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from failover.hosts import specs
from failover.model.attachments import Attachment
from failover.model.host.host_spec import ExportItem, ServerDocument
from failover.model.stack_output import Stack

# The only client of a rehearsal. As a network: of a single address exportfs(8) shows the name
# that the name service has for it.
LOOPBACK = "127.0.0.1/32"
_ITSELF = (LOOPBACK, "127.0.0.1", "localhost")


def on_clones(stack: Stack, clones: Mapping[str, str]) -> Stack:
    """The stack with each volume's clone (its OCID by the volume's name) in the volume's place.

    It has no service address and no networks of further VNICs: nobody may reach the clones by them.
    """
    volumes = {
        name: replace(
            volume,
            volume_id=clones[name],
            attachment_id=None,
            instance_id=None,
            iqn=None,
            address=None,
            port=None,
        )
        for name, volume in stack.volumes.items()
    }
    spec: ServerDocument = {
        **stack.spec,
        "volumes": [{**item, "volume_id": clones[item["name"]]} for item in stack.spec["volumes"]],
        "exports": _offered_to_itself(stack.spec.get("exports", [])),
        "service_address": None,
        "networks": [],
    }
    return replace(stack, volumes=volumes, spec=spec, service_ip=None, dns_name=None)


def _offered_to_itself(exports: Iterable[ExportItem]) -> list[ExportItem]:
    """Each path once, with the options of its first entry: a path may have several for other clients."""
    first: dict[str, ExportItem] = {}
    for item in exports:
        first.setdefault(item["path"], {**item, "clients": [LOOPBACK]})
    return list(first.values())


def clone_spec(
    stack: Stack, clones: Mapping[str, str], attached: Mapping[str, Attachment], deadline_seconds: float
) -> ServerDocument:
    """The spec with the clones' portals. `attached`: by the clone's OCID."""
    held = {name: attached[ocid] for name, ocid in clones.items() if ocid in attached}
    return specs.server_spec(on_clones(stack, clones), held, deadline_seconds)


def offered_to_others(exported: object, stack: Stack) -> tuple[str, ...]:
    """Of a host's exports ("PATH to CLIENT", a fact of layer nfs): the site's, to others than itself."""
    entries = [str(one) for one in exported] if isinstance(exported, list) else []
    mounts = [item["mount"] for item in stack.spec.get("filesystems", [])]
    ours = [
        one for one in entries if one.startswith(tuple(f"{mount}{end}" for mount in mounts for end in " /"))
    ]
    return tuple(one for one in ours if one.partition(" to ")[2] not in _ITSELF)
