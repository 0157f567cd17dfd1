"""LaunchInstance: what is asked is checked and recorded here, and made by the worker."""

from datetime import UTC, datetime
from typing import Any

from lab.api.compute.boot_volumes import free_boot_volume
from lab.api.compute.instance_record import BOOT_VOLUME_GBS, Birth, agent_config, machine_of, record_instance
from lab.api.compute.instance_states import settle_attachments, terminated
from lab.api.compute.metadata_limit import check_metadata
from lab.api.compute.reservations import check_reservation
from lab.api.compute.shapes import required_shape
from lab.api.core.answer import Accepted
from lab.api.core.call import Call, Tenancy, tags
from lab.api.core.errors import incorrect_state, invalid, missing, not_found, not_modelled
from lab.api.core.ocid import new_ocid
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.api.core.world import FAULT_DOMAINS
from lab.api.network.addresses import check_label, free_address, label_for, new_mac
from lab.hardware.hardware import Hardware

MODELLED = (
    *("availabilityDomain", "compartmentId", "createVnicDetails", "definedTags", "displayName"),
    *("extendedMetadata", "faultDomain", "freeformTags", "hostnameLabel", "imageId", "metadata", "shape"),
    *("shapeConfig", "sourceDetails", "subnetId", "agentConfig", "instanceOptions", "availabilityConfig"),
    "capacityReservationId",
)
# of CreateVnicDetails; AttachVnic takes the same
VNIC_MODELLED = {
    *("assignPublicIp", "assignPrivateDnsRecord", "definedTags", "displayName", "freeformTags"),
    *("hostnameLabel", "nsgIds", "privateIp", "skipSourceDestCheck", "subnetId"),
}


def launch_instance(cloud: Tenancy, call: Call) -> Accepted:
    call.modelled(*MODELLED)
    birth = _birth(cloud, call)
    instance = record_instance(cloud, birth, "PROVISIONING")
    return Accepted(instance, begin(cloud, instance, "launch", "LaunchInstance"))


def _birth(cloud: Tenancy, call: Call) -> Birth:
    cloud.require_compartment(call.text("compartmentId"))
    domain, shape = call.text("availabilityDomain"), required_shape(call.text("shape"))
    if domain not in cloud.world.availability_domains:
        raise invalid(f"availabilityDomain {domain}; {', '.join(cloud.world.availability_domains)} exist")
    vnic = _vnic_details(cloud, call)
    image_id, gbs, boot_volume_id = _source(cloud, call, domain)
    check_metadata(call.body.get("metadata") or {}, call.body.get("extendedMetadata") or {})
    check_reservation(cloud, call.body.get("capacityReservationId"), shape.name, domain)
    name = call.body.get("displayName") or f"instance{datetime.now(UTC):%Y%m%d%H%M%S}"
    label = vnic.get("hostnameLabel") or call.body.get("hostnameLabel")
    return Birth(
        instance_id=new_ocid("instance"),
        name=name,
        shape=shape.name,
        image_id=image_id,
        availability_domain=domain,
        fault_domain=_fault_domain(call.body.get("faultDomain")),
        mac=new_mac(),
        address=free_address(cloud, vnic.get("privateIp")),  # of the subnet that guests boot in
        hostname=check_label(cloud, label) if label else label_for(cloud, name),
        subnet_id=cloud.world.subnet_id,
        nsg_ids=vnic.get("nsgIds") or [],
        boot_volume_gbs=gbs,
        vnic=_vnic_fields(vnic),
        instance=_instance_fields(call.body),
        compartment_id=call.text("compartmentId"),
        boot_volume_id=boot_volume_id,
    )


def _fault_domain(name: str | None) -> str:
    if name is not None and name not in FAULT_DOMAINS:
        raise invalid(f"faultDomain {name}; {', '.join(FAULT_DOMAINS)} exist")
    return name or FAULT_DOMAINS[0]


def _vnic_details(cloud: Tenancy, call: Call) -> Document:
    details: Document = call.body.get("createVnicDetails") or {}
    extra = sorted(name for name, value in details.items() if value and name not in VNIC_MODELLED)
    if extra:
        raise not_modelled(f"createVnicDetails.{extra[0]}")
    subnet = details.get("subnetId") or call.body.get("subnetId")
    if not subnet:
        raise missing("createVnicDetails.subnetId")
    if subnet not in cloud.world.subnets:
        raise not_found(subnet)
    if subnet != cloud.world.subnet_id:
        raise not_modelled("a primary VNIC in another subnet than the first")
    return details


def _vnic_fields(details: Document) -> Document:
    named = {"displayName": details["displayName"]} if details.get("displayName") else {}
    return {**tags(details), **named, "skipSourceDestCheck": bool(details.get("skipSourceDestCheck"))}


def _source(cloud: Tenancy, call: Call, domain: str) -> tuple[str, int, str]:
    """The image's OCID, the boot volume's size in GB, and the OCID of a boot volume that is there already."""
    source: Document = call.body.get("sourceDetails") or {}
    if source.get("sourceType") == "bootVolume":
        boot = free_boot_volume(cloud, source.get("bootVolumeId"), domain)
        return boot.body["imageId"], boot.body["sizeInGBs"], boot.id
    if source.get("sourceType", "image") != "image":
        raise not_modelled(f"a launch from sourceType {source['sourceType']}")
    image_id: Any = source.get("imageId") or call.body.get("imageId")
    if not image_id:
        raise missing("sourceDetails.imageId")
    image = cloud.required("image", image_id)
    if image.state != "AVAILABLE":
        raise incorrect_state(f"image {image_id} is {image.state}: wait until it is AVAILABLE")
    return image_id, int(source.get("bootVolumeSizeInGBs") or BOOT_VOLUME_GBS), ""


def _instance_fields(body: Document) -> Document:
    kept = {name: body[name] for name in ("shapeConfig", "capacityReservationId") if body.get(name)}
    if body.get("agentConfig"):
        kept["agentConfig"] = agent_config(body["agentConfig"])
    maps = {name: body.get(name) or {} for name in ("metadata", "extendedMetadata")}
    return {**kept, **maps, **tags(body)}


def _act(hardware: Hardware, job: StateTransition) -> Document:
    machine = machine_of(job.resource)
    if job.again and hardware.is_on(machine.instance_id):
        return {}
    boot_volume_id = job.resource.body["sourceDetails"].get("bootVolumeId")
    if boot_volume_id:
        hardware.lay_disk(machine, boot_volume_id)
    else:
        hardware.create_disk(machine, job.resource.body["imageId"])
    hardware.power_on(machine)
    return {}


def _finish(cloud: Tenancy, instance: StoredResource, facts: Document) -> None:
    settle_attachments(cloud, instance.id, "ATTACHED")
    cloud.store.put(instance.changed(lifecycleState="RUNNING"))


LAUNCH = StateChange(_act, _finish, terminated)
