"""The stack's variables for an adopted site, laid over what a person has written already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failover.adopt.site import LOGIN_PLUGIN, AdoptedSite
from failover.adopt.storage import AdoptedStorage
from failover.cloud.compute import SERVER_TAG
from failover.model.outcome import Refused

Values = dict[str, Any]
_ORACLES = "Oracle-Tags"


@dataclass(frozen=True)
class Successor:
    """The server that can take over, where its image is known already."""

    name: str
    image_id: str


def server_name(existing: Mapping[str, Any], instance_id: str, tags: Mapping[str, str]) -> str:
    """What the variables, or the stack's own tag, call this instance; empty when neither does."""
    servers = existing.get("servers") or {}
    for name, server in servers.items():
        if (server or {}).get("instance_id") == instance_id:
            return str(name)
    tagged = tags.get(SERVER_TAG, "")
    return tagged if tagged in servers else ""


def volume_names(existing: Mapping[str, Any]) -> dict[str, str]:
    """Names of the volumes that the variables have, by OCID."""
    volumes = existing.get("volumes") or {}
    return {str(v["volume_id"]): str(name) for name, v in volumes.items() if (v or {}).get("volume_id")}


def misshapen(existing: Mapping[str, Any]) -> str:
    """What is no map of maps where one is expected; empty for none."""
    storage = existing.get("storage") or {}
    if not isinstance(storage, Mapping):
        return f"found storage = {storage!r:.80}, expected a map"
    maps = {name: existing.get(name) or {} for name in ("servers", "volumes")}
    maps |= {f"storage.{name}": storage.get(name) or {} for name in ("volume_groups", "filesystems")}
    for name, value in maps.items():
        if not isinstance(value, Mapping):
            return f"found {name} = {value!r:.80}, expected a map"
        for key, entry in value.items():
            if not isinstance(entry, Mapping | None):
                return f"found {name}.{key} = {entry!r:.80}, expected a map"
    return ""


def merged(existing: Mapping[str, Any], site: AdoptedSite, successor: Successor | None) -> Values:
    """All variables as they should be: the server's facts are adopt's, all else stays as it was written.

    Servers, volumes and filesystems that are written and that this server does not have are kept: a
    replacement, a volume that is away for a while. Raises Refused for a name that is another instance.
    """
    instance = site.server.instance
    values: Values = {
        "region": instance.region,
        "compartment_id": existing.get("compartment_id") or instance.compartment_id,
        "ssh_authorized_keys": existing.get("ssh_authorized_keys") or site.keys,
        "servers": _servers(existing.get("servers") or {}, site, existing.get("compartment_id"), successor),
        "volumes": _volumes(existing.get("volumes") or {}, site),
    }
    if site.storage:
        values["storage"] = _storage(existing.get("storage") or {}, site.storage)
    elif existing.get("storage"):
        values["storage"] = existing["storage"]
    if not values["ssh_authorized_keys"]:
        del values["ssh_authorized_keys"]
    return values | {name: value for name, value in existing.items() if name not in values}


def _servers(
    existing: Mapping[str, Any], site: AdoptedSite, compartment_id: str | None, successor: Successor | None
) -> Values:
    servers = {name: dict(server or {}) for name, server in existing.items()}
    instance = site.server.instance
    mine = servers.get(site.name, {})
    if mine.get("instance_id") not in (None, instance.id):
        raise Refused(
            f"{site.name} is {mine['instance_id']} in site.auto.tfvars, and this server is {instance.id}",
            f"rename or take out {site.name} in `servers`, then adopt again; nothing was written",
        )
    if "image_id" not in mine:  # one that the stack launched stands there with its image
        mine = {"instance_id": instance.id} | mine
        if (compartment_id or instance.compartment_id) != instance.compartment_id:
            mine["compartment_id"] = instance.compartment_id
        if site.hostname and "hostname" not in mine:
            mine["hostname"] = site.hostname
        servers = {site.name: mine} | servers | {site.name: mine}
    if successor and successor.name not in servers:
        servers[successor.name] = {"image_id": successor.image_id} | replacement(site)
    elif successor:
        servers[successor.name]["image_id"] = successor.image_id
    return servers


def replacement(site: AdoptedSite) -> Values:
    """What a server that takes over is launched with, but for its image: as this one is."""
    instance, primary = site.server.instance, site.server.primary
    values: Values = {"shape": instance.shape}
    if instance.shape.endswith(".Flex") and instance.ocpus:
        values["shape_config"] = {"ocpus": instance.ocpus, "memory_in_gbs": instance.memory_gbs}
    values["availability_domain"] = instance.availability_domain
    if primary:
        values["subnet_id"] = primary.subnet_id
        values |= {"nsg_ids": sorted(primary.nsg_ids)} if primary.nsg_ids else {}
    if instance.boot_volume_gbs:
        values["boot_volume_size_in_gbs"] = instance.boot_volume_gbs
    if instance.capacity_reservation_id:
        values["capacity_reservation_id"] = instance.capacity_reservation_id
    if vnics := secondary_vnics(site):
        values["secondary_vnics"] = vnics
    return values | _labels(site)


def _labels(site: AdoptedSite) -> Values:
    """Its tags but the stack's own and Oracle's, which nobody may set; its agent's plugins but the logins."""
    instance = site.server.instance
    tags = {key: value for key, value in instance.tags.items() if key != SERVER_TAG}
    defined = {
        f"{space}.{key}": str(value)
        for space, pairs in instance.defined_tags.items()
        if space != _ORACLES
        for key, value in pairs.items()
    }
    plugins = {name: state for name, state in instance.plugins.items() if name != LOGIN_PLUGIN}
    labels: Values = {"tags": dict(sorted(tags.items()))} if tags else {}
    labels |= {"defined_tags": dict(sorted(defined.items()))} if defined else {}
    labels |= {"agent_plugins": {LOGIN_PLUGIN: "DISABLED"} | dict(sorted(plugins.items()))} if plugins else {}
    return labels


def secondary_vnics(site: AdoptedSite) -> Values:
    """The other VNICs by name, without addresses: those are this server's own as long as it lives."""
    vnics: Values = {}
    for vnic in site.server.vnics:
        if vnic.primary:
            continue
        label = re.sub(r"[^A-Za-z0-9_-]+", "-", vnic.name).strip("-")[:63]
        name = label if label and label not in vnics else f"vnic-{len(vnics) + 2}"
        vnics[name] = {"subnet_id": vnic.subnet_id, "nic_index": vnic.nic_index}
        vnics[name] |= {"nsg_ids": sorted(vnic.nsg_ids)} if vnic.nsg_ids else {}
        vnics[name] |= {"skip_source_dest_check": True} if vnic.skip_source_dest_check else {}
    return vnics


def _volumes(existing: Mapping[str, Any], site: AdoptedSite) -> Values:
    mine = {name: {"volume_id": volume.volume_id} for name, volume in site.volumes.items()}
    kept = {name: dict(volume or {}) for name, volume in existing.items()}
    return kept | {name: kept.get(name, {}) | volume for name, volume in mine.items()}


def _storage(existing: Mapping[str, Any], adopted_storage: AdoptedStorage) -> Values:
    groups = {name: {"volumes": list(volumes)} for name, volumes in adopted_storage.groups.items()}
    exports = [
        {"path": e.path, "clients": list(e.clients), "options": e.options}
        | ({"fsid": e.fsid} if e.fsid is not None else {})
        for e in adopted_storage.exports
    ]
    return {
        "volume_groups": _groups(existing.get("volume_groups") or {}, groups),
        "filesystems": _filesystems(existing.get("filesystems") or {}, adopted_storage),
        "exports": exports,
    }


def _groups(existing: Mapping[str, Any], adopted_groups: Mapping[str, Values]) -> Values:
    """The list of a group's volumes has no order: one that is the same set stays as it is written."""
    kept = dict(existing)
    for name, group in adopted_groups.items():
        before = (kept.get(name) or {}).get("volumes") or []
        if sorted(before) != sorted(group["volumes"]):
            kept[name] = group
    return kept


def _filesystems(existing: Mapping[str, Any], adopted_storage: AdoptedStorage) -> Values:
    """By their mount points: the name that a person gave stays."""
    names = {(value or {}).get("mount"): name for name, value in existing.items()}
    kept = {name: dict(value or {}) for name, value in existing.items()}
    for name, item in adopted_storage.filesystems.items():
        where = (
            {"volume_group": item.group, "logical_volume": item.logical}
            if item.group
            else {"volume": item.volume}
        )
        facts = {**where, "mount": item.mount, "type": item.type, "options": item.options}
        facts |= {"uuid": item.uuid} if item.uuid else {}
        kept[names.get(item.mount) or _free(name, kept)] = facts
    return kept


def _free(name: str, used: Mapping[str, Any]) -> str:
    return name if name not in used else f"{name}-{len(used)}"
