"""The site's spec on this host's disk: an instance is born with one in its metadata, which stays as it was.

An operator's run leaves it on a server that stands by (hooks/probe/ready.py). The boot service prefers it, on
the very instance that it was left on: a copy of the disk in another one has a newer spec in its metadata.
"""

import json
import os
from typing import Dict, Optional

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
