"""Registers what exists already: images, instances, volumes and attachments of a restored lab."""

from lab.api.compute.attachments import attachment_record
from lab.api.compute.images import image_record
from lab.api.compute.instance_record import Birth, record_instance
from lab.api.compute.metadata_limit import check_metadata
from lab.api.compute.volumes import SMALLEST_GBS, volume_record
from lab.api.core.call import Tenancy
from lab.api.core.errors import invalid, missing
from lab.api.core.ocid import new_ocid
from lab.api.core.store import Document, StoredResource
from lab.api.core.world import FAULT_DOMAINS
from lab.api.network.addresses import check_label, free_address

# of attachments that somebody made otherwise than this lab's AttachVolume does
FOREIGN = ("attachmentType", "isMultipath", "isReadOnly", "isShareable", "chapUsername")


def seed(cloud: Tenancy, document: Document) -> StoredResource:
    """Store one resource in its settled state without touching the hardware. Repeating it is success.

    `kind` is image (id, displayName, bytes), instance (id, displayName, mac, address, hostname, imageId;
    optional shape, metadata, freeformTags, console, lifecycleState), volume (id, displayName, iqn; optional
    sizeInGBs) or attachment (id, volumeId, instanceId, iqn, ipv4; optional port, and what AttachVolume does
    not make here: attachmentType, isMultipath, isReadOnly, isShareable, chapUsername; and
    isAgentAutoIscsiLoginEnabled). `id` is made when absent.
    Raises 400 InvalidParameter for an unknown kind.
    """
    makers = {"image": _image, "instance": _instance, "volume": _volume, "attachment": _attachment}
    if document.get("kind") not in makers:
        raise invalid(f"kind must be one of {', '.join(makers)}, not {document.get('kind')}")
    with cloud.store.transaction():
        known = cloud.store.get(document.get("id", ""))
        return known or makers[document["kind"]](cloud, document)


def _text(document: Document, name: str) -> str:
    if not document.get(name):
        raise missing(name)
    return str(document[name])


def _domain(cloud: Tenancy, document: Document) -> str:
    return str(document.get("availabilityDomain") or cloud.world.availability_domains[0])


def _image(cloud: Tenancy, document: Document) -> StoredResource:
    ocid = document.get("id") or new_ocid("image")
    size = int(document.get("bytes") or 0)
    return cloud.store.put(image_record(cloud, ocid, _text(document, "displayName"), "AVAILABLE", size))


def _instance(cloud: Tenancy, document: Document) -> StoredResource:
    maps = {
        name: document.get(name) or {}
        for name in ("metadata", "extendedMetadata", "freeformTags", "definedTags")
    }
    check_metadata(maps["metadata"], maps["extendedMetadata"])
    birth = Birth(
        instance_id=document.get("id") or new_ocid("instance"),
        name=_text(document, "displayName"),
        shape=document.get("shape") or "BM.Optimized3.36",
        image_id=document.get("imageId") or cloud.world.base_image_id,
        availability_domain=_domain(cloud, document),
        fault_domain=document.get("faultDomain") or FAULT_DOMAINS[0],
        mac=_text(document, "mac"),
        address=free_address(cloud, _text(document, "address")),
        hostname=check_label(cloud, _text(document, "hostname")),
        subnet_id=cloud.world.subnet_id,
        instance=maps,
    )
    instance = record_instance(cloud, birth, document.get("lifecycleState") or "RUNNING")
    return cloud.store.put(instance.knowing(console=document.get("console") or ""))


def _volume(cloud: Tenancy, document: Document) -> StoredResource:
    ocid = document.get("id") or new_ocid("volume")
    size = int(document.get("sizeInGBs") or SMALLEST_GBS)
    record = volume_record(cloud, ocid, _domain(cloud, document), size, document)
    settled = record.changed(lifecycleState="AVAILABLE").knowing(iqn=_text(document, "iqn"))
    return cloud.store.put(settled)


def _attachment(cloud: Tenancy, document: Document) -> StoredResource:
    volume = cloud.required("volume", _text(document, "volumeId"))
    instance = cloud.required("instance", _text(document, "instanceId"))
    record = attachment_record(cloud, document, volume, instance)
    portal = {
        "iqn": _text(document, "iqn"),
        "ipv4": _text(document, "ipv4"),
        "port": document.get("port") or 3260,
    }
    foreign = {name: document[name] for name in FOREIGN if name in document}
    return cloud.store.put(record.changed(lifecycleState="ATTACHED", **portal, **foreign))
