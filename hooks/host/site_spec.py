"""The site's spec on this host's disk: an instance is born with one in its metadata, which stays as it was.

An operator's run leaves it on a server that stands by (hooks/probe/ready.py). The boot service prefers it, on
the very instance that it was left on: a copy of the disk in another one has a newer spec in its metadata.
"""

import json
import os
from typing import Dict, List, Optional, Tuple

from hooks.host import places, text_file
from hooks.host.host import CommandFailed, Host

FILE = "/etc/nfs-failover/site.json"
_INSTANCE = "/opc/v2/instance/id"
_OF_AN_ATTACHMENT = ("iqn", "address", "port", "shareable")
Entry = Dict[str, object]


def keep(host: Host, text: str) -> bool:
    """Leaves the spec without portals, which belong to attachments; False where it is there already. `text`:
    a server's, with all of its volumes. Raises HookError and OSError."""
    spec = json.loads(text)
    volumes = [{k: v for k, v in item.items() if k not in _OF_AN_ATTACHMENT} for item in spec["volumes"]]
    document = {"instance": _instance(host), "spec": dict(spec, volumes=volumes)}
    if not document["instance"]:
        raise CommandFailed("the metadata service has no OCID of this instance; look at it, then try again")
    written = json.dumps(document, sort_keys=True) + "\n"
    return text_file.edit(host, FILE, lambda _: written, 0o600)


def completed(host: Host, text: str) -> str:
    """The spec with the UUIDs that the one from before has of the same filesystems: while the server that has
    them is dead, nobody else knows them. Raises HookError."""
    spec, before = json.loads(text), kept(host) or {}
    known = {_place(item): item.get("uuid") for item in _items(before)}
    items = [dict(item, uuid=item.get("uuid") or known.get(_place(item))) for item in _items(spec)]
    return json.dumps(dict(spec, filesystems=items))


def _items(spec: Entry) -> List[Dict[str, Optional[str]]]:
    items = spec.get("filesystems")
    return [dict(item) for item in items] if isinstance(items, list) else []


def _place(item: Dict[str, Optional[str]]) -> Tuple[Optional[str], ...]:
    return tuple(item.get(key) for key in ("mount", "volume_group", "logical_volume", "volume"))


def kept(host: Host) -> Optional[Entry]:
    """What was left on this instance; None where nothing was. Raises HookError where its own OCID is not
    known now."""
    text = host.read(FILE)
    if text is None:
        return None
    try:
        document = json.loads(text)
        instance, spec = document["instance"], document["spec"]
    except (ValueError, KeyError, TypeError):
        return None  # not ours any more; the metadata has one
    return spec if isinstance(spec, dict) and instance == _instance(host) else None


def wanted(host: Host) -> bool:
    """Whether this host has a boot service that reads it."""
    return os.path.exists(host.path(places.UNIT))


def _instance(host: Host) -> str:
    return (host.metadata(_INSTANCE) or "").strip()
