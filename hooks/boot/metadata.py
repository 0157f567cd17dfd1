"""The server's spec and its volumes' portals from OCI's instance metadata service, version 2."""

import base64
import gzip
import json
import zlib
from typing import Dict, List, NamedTuple, Optional, Tuple

from hooks.contract.fields import SpecError
from hooks.host.metadata_service import ADDRESS, Unreachable, get

__all__ = ["ADDRESS", "Unreachable", "get", "look", "match", "unpacked"]

SPEC_PATH = "/opc/v2/instance/metadata/nfs_failover"
ATTACHMENTS_PATH = "/opc/v2/volumeAttachments/"
Entry = Dict[str, object]


class AttachedVolumes(NamedTuple):
    """How many of the spec's volumes are attached here; with all of them, the spec with their portals.

    `ids`: the OCIDs of the attachments; none is ever made twice.
    """

    attached: int
    total: int
    text: str
    ids: str = ""
    networks: Tuple[str, ...] = ()  # of the further VNICs that the site's servers have


def look(address: str = ADDRESS, site: Optional[Entry] = None) -> AttachedVolumes:
    """What the service says now; `site`: a newer spec. Raises Unreachable and SpecError."""
    spec, entries = site or _site(address), _attachments(address)
    volumes = _listed(spec)
    portals = match(volumes, entries)
    complete = len(portals) == len(volumes)
    ids = " ".join(sorted(str(item.get("id")) for item in portals.values()))
    networks = spec.get("networks")
    return AttachedVolumes(
        len(portals),
        len(volumes),
        filled(spec, portals) if complete else "",
        ids,
        tuple(map(str, networks)) if isinstance(networks, list) else (),
    )


def _site(address: str) -> Entry:
    text = get(SPEC_PATH, address)
    if text is None:
        raise SpecError("metadata key nfs_failover: found nothing, expected this server's spec")
    try:
        document = json.loads(unpacked(text))
    except (ValueError, OSError, EOFError, zlib.error):
        raise SpecError("metadata key nfs_failover: found no JSON, expected this server's spec") from None
    if not isinstance(document, dict):
        raise SpecError("metadata key nfs_failover: found {!r}, expected an object".format(document))
    return document


def unpacked(text: str) -> str:
    """The JSON in Terraform's base64gzip(), which is how 32 volumes fit; plain JSON as it is."""
    if text.startswith("{"):
        return text
    return gzip.decompress(base64.b64decode(text)).decode()


def _listed(spec: Entry) -> List[Entry]:
    volumes = spec.get("volumes")
    if not isinstance(volumes, list) or not volumes or not all(isinstance(item, dict) for item in volumes):
        raise SpecError("spec.volumes: found {!r}, expected a list of volumes".format(volumes))
    return volumes


def _attachments(address: str) -> List[Entry]:
    try:
        entries = json.loads(get(ATTACHMENTS_PATH, address) or "[]")
    except ValueError:
        raise Unreachable("metadata service {}{}: found no JSON".format(address, ATTACHMENTS_PATH)) from None
    return [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []


def match(volumes: List[Entry], entries: List[Entry]) -> Dict[str, Entry]:
    """Portals by volume name, as far as the attachments tell.

    By volume OCID where an attachment names one. Where none does, only a complete set counts: which of its
    members is which does not matter, since volume groups are found by what is on the disks.
    """
    usable = [item for item in entries if item.get("iqn") and item.get("ipv4")]
    by_id = {str(item["volumeId"]): item for item in usable if item.get("volumeId")}
    if by_id:
        ids = {str(item.get("name")): str(item.get("volume_id")) for item in volumes}
        return {name: by_id[volume_id] for name, volume_id in ids.items() if volume_id in by_id}
    if len(usable) != len(volumes):
        return {}
    usable.sort(key=lambda item: str(item["iqn"]))
    return {
        name: usable[place] for place, name in enumerate(sorted(str(item.get("name")) for item in volumes))
    }


def filled(spec: Entry, portals: Dict[str, Entry]) -> str:
    volumes = []
    for volume in _listed(spec):
        attachment = portals[str(volume.get("name"))]
        portal = {
            "iqn": attachment["iqn"],
            "address": attachment["ipv4"],
            "port": attachment.get("port") or 3260,
        }
        shared = {"shareable": True} if attachment.get("isShareable") else {}
        volumes.append(dict(volume, **portal, **shared))
    return json.dumps(dict(spec, volumes=volumes))
