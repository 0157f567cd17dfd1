"""A server that exists, as the one value that all files are made of; or why it cannot be adopted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failover.adopt import volumes as data_volumes
from failover.adopt.host_view import HostView
from failover.adopt.storage import AdoptedStorage, storage
from failover.cloud.server_reads import DataVolume, ServerFacts
from failover.model.outcome import Refused, Usage
from hooks.contract import parse as hooks_spec
from hooks.contract.fields import SpecError

_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY = re.compile(
    r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-\S+@openssh\.com) [A-Za-z0-9+/=]+( .*)?"
)
LOGIN_PLUGIN = "Block Volume Management"


@dataclass(frozen=True)
class AdoptedSite:
    """One server with its volumes and what lies on them. `storage` None: nobody could look at the host.

    `name`: the server's in the stack. `hostname`: its label in DNS, empty where that is the name. `keys`:
    public keys, one a line. `notes`: what a person should know of it.
    """

    name: str
    hostname: str
    server: ServerFacts
    host: HostView | None
    volumes: Mapping[str, DataVolume]
    storage: AdoptedStorage | None
    keys: str
    notes: tuple[str, ...]


def adopted(
    server: ServerFacts, host: HostView | None, known_volumes: Mapping[str, str], name: str = ""
) -> AdoptedSite:
    """The site of this server. `known_volumes`: names by OCID, `name`: the server's own, that a person gave.

    Raises Refused with every reason, each with its remedy.
    """
    if server.instance.state not in ("RUNNING", "STOPPED", "STOPPING", "STARTING"):
        raise Refused(
            f"{server.instance.name} ({server.instance.id}): it is {server.instance.state}, expected RUNNING",
            "adopt the server that has the volumes now",
        )
    if not server.volumes:
        raise Refused(
            f"{server.instance.name} ({server.instance.id}): found no data volume attached, expected some",
            "adopt the server that has the volumes now",
        )
    named = data_volumes.names(server.volumes, known_volumes)
    reasons = list(data_volumes.refusals(named, server.instance.id, host.chap if host else ()))
    adopted_storage = storage(host, named) if host else None
    reasons += adopted_storage.refusals if adopted_storage else []
    site = AdoptedSite(
        name or _name(server),
        _hostname(server, name or _name(server)),
        server,
        host,
        named,
        adopted_storage,
        _keys(server, host),
        _notes(server, host, adopted_storage),
    )
    if adopted_storage and not adopted_storage.filesystems and not reasons:
        reasons.append(
            "no filesystem of its volumes is mounted or in fstab, expected one at least; mount it, or log in "
            "to the volumes"
        )
    if adopted_storage and not reasons:
        reasons += _spec_faults(site)
    if reasons:
        raise Refused(
            f"{site.name} cannot be recovered as it is: {'; '.join(reasons)}",
            "mend that on the server or in the console, then adopt again; nothing was written",
        )
    return site


def _name(server: ServerFacts) -> str:
    """The display name as a host name's label; where it is none, what the network calls it."""
    primary = server.primary
    for text in (server.instance.name, primary.hostname if primary else ""):
        if label := _label(text):
            return label
    return "nfs-srv-1"


def _label(text: str) -> str:
    label = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")[:63].rstrip("-")
    return label if _LABEL.fullmatch(label) else ""


def server_label(text: str, flag: str) -> str:
    """`text` if it can be a server's name in the stack; raises Usage."""
    if _LABEL.fullmatch(text):
        return text
    raise Usage(
        f"{flag} {text}: expected a host name's label: lower-case letters, digits and dashes, a letter first",
        f"correct {flag}",
    )


def _hostname(server: ServerFacts, name: str) -> str:
    label = (server.primary.hostname if server.primary else "").lower()
    return label if _LABEL.fullmatch(label) and label != name else ""


def _keys(server: ServerFacts, host: HostView | None) -> str:
    """The keys that the instance was launched with; else those that the server itself lets in."""
    given = server.instance.keys.splitlines() or list(host.keys if host else ())
    keys = [line.strip() for line in given if _KEY.fullmatch(line.strip())]
    return "\n".join(dict.fromkeys(keys))


def _notes(
    server: ServerFacts, host: HostView | None, adopted_storage: AdoptedStorage | None
) -> tuple[str, ...]:
    notes = list(adopted_storage.notes if adopted_storage else ())
    notes += [f"not read on the server: {line}" for line in host.unread] if host else []
    if server.instance.plugins.get(LOGIN_PLUGIN) == "ENABLED" or any(v.agent_login for v in server.volumes):
        notes.append(
            "the Block Volume Management plugin logs in to the volumes by itself: a login has one owner, and "
            "on a new server that is the hooks"
        )
    if lacking := [v.name for v in server.volumes if v.backup_policy is False]:
        notes.append(f"no backup policy: {', '.join(lacking)}")
    for vnic in server.vnics:
        if more := vnic.addresses[1:]:
            notes.append(
                f"VNIC {vnic.name} also has {', '.join(more)}: an address that clients use must move too"
            )
    return tuple(notes)


def _spec_faults(site: AdoptedSite) -> list[str]:
    """What the hooks themselves refuse of it: the judgement that every takeover begins with."""
    try:
        hooks_spec.parse(json.dumps(spec(site)))
    except SpecError as error:
        return [f"{error}; change that on the server"]
    return []


def spec(site: AdoptedSite) -> dict[str, Any]:
    """The hooks' spec of the server as it stands (hooks/contract/parse.py)."""
    adopted_storage = site.storage
    assert adopted_storage is not None  # noqa: S101 (asked of a site whose host was read)
    volumes = [
        {"name": n, "volume_id": v.volume_id, "iqn": v.iqn, "address": v.address, "port": v.port or 3260}
        for n, v in site.volumes.items()
    ]
    filesystems = [
        {"mount": f.mount, "type": f.type, "options": f.options, "uuid": f.uuid}
        | ({"volume_group": f.group, "logical_volume": f.logical} if f.group else {"volume": f.volume})
        for f in adopted_storage.filesystems.values()
    ]
    exports = [
        {"path": e.path, "clients": list(e.clients), "options": e.options, "fsid": e.fsid}
        for e in adopted_storage.exports
    ]
    return {
        "version": 1,
        "role": "server",
        "deadline_seconds": 60,
        "volumes": volumes,
        "volume_groups": [{"name": n, "volumes": list(v)} for n, v in adopted_storage.groups.items()],
        "filesystems": filesystems,
        "exports": exports,
    }
