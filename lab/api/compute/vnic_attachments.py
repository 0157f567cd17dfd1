"""Secondary VNICs: attached to a running or stopped instance, and taken off again; the primary one stays.

Source: https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/managingVNICs.htm
"""

import ipaddress

from lab.api.compute.instance_record import Birth, put_vnic
from lab.api.compute.launch import VNIC_MODELLED
from lab.api.compute.shapes import SHAPES
from lab.api.core.call import Call, Tenancy, tags
from lab.api.core.errors import (
    conflict,
    incorrect_state,
    invalid,
    limit_exceeded,
    missing,
    not_found,
    not_modelled,
)
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.api.network.addresses import check_label, free_address, new_mac
from lab.hardware.hardware import Hardware
from lab.hardware.machine import Nic

KIND = "vnicattachment"
MODELLED = ("createVnicDetails", "displayName", "instanceId", "nicIndex")


def attach_vnic(cloud: Tenancy, call: Call) -> StoredResource:
    """AttachVnic. Raises 400 for a NIC that the shape lacks, and for a VNIC too many; 404 for an unknown
    instance or subnet; 409 for an instance that is neither RUNNING nor STOPPED; 501 for a VLAN."""
    call.modelled(*MODELLED)
    instance = cloud.required("instance", call.text("instanceId"))
    details = _details(cloud, call)
    index = _nic_index(cloud, instance, call.body.get("nicIndex"))
    if instance.state not in ("RUNNING", "STOPPED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}: it must be RUNNING or STOPPED")
    placed = {
        "compartmentId": instance.body["compartmentId"],
        "availabilityDomain": instance.body["availabilityDomain"],
        "timeCreated": timestamp(),
    }
    vnic = put_vnic(cloud, _birth(cloud, instance, details), {**placed, **tags(details)}, primary=False)
    ocid = new_ocid(KIND)
    body = {
        **placed,
        "id": ocid,
        "instanceId": instance.id,
        "displayName": call.body.get("displayName"),
        "lifecycleState": "ATTACHING",
        "nicIndex": index,
        "subnetId": details["subnetId"],
        "vlanId": None,
        "vlanTag": None,
        "vnicId": vnic.id,
    }
    attachment = cloud.store.put(StoredResource(ocid, KIND, body))
    begin(cloud, attachment, "attach_vnic", "AttachVnic")
    return attachment


def _details(cloud: Tenancy, call: Call) -> Document:
    details: Document = call.body.get("createVnicDetails") or {}
    extra = sorted(name for name, value in details.items() if value and name not in VNIC_MODELLED)
    if extra:
        raise not_modelled(f"createVnicDetails.{extra[0]}")
    if not details.get("subnetId"):
        raise missing("createVnicDetails.subnetId")
    if details["subnetId"] not in cloud.world.subnets:
        raise not_found(details["subnetId"])
    return details


def _nic_index(cloud: Tenancy, instance: StoredResource, wanted: int | None) -> int:
    """The physical NIC. The first VNIC of a bare-metal host's second NIC has no VLAN; further ones have."""
    shape = SHAPES[instance.body["shape"]]
    index = wanted or 0
    if index not in range(shape.nics):
        raise invalid(
            f"nicIndex {index} is not valid for shape {shape.name}: it has {shape.nics} physical NICs"
        )
    held = [one for one in cloud.store.find(KIND, instanceId=instance.id) if one.state != "DETACHED"]
    if len(held) >= shape.most_vnics:
        raise limit_exceeded(
            f"instance {instance.id} has {len(held)} VNICs, the most that {shape.name} takes"
        )
    if shape.nics > 1 and any(one.body["nicIndex"] == index for one in held):
        raise not_modelled("a second VNIC on a physical NIC, which has a VLAN tag")
    return index


def _birth(cloud: Tenancy, instance: StoredResource, details: Document) -> Birth:
    label = details.get("hostnameLabel")
    named = {"displayName": details["displayName"]} if details.get("displayName") else {}
    return Birth(
        instance_id=instance.id,
        name=f"vnic{new_ocid('vnic')[-8:]}",
        shape=instance.body["shape"],
        image_id="",
        availability_domain=instance.body["availabilityDomain"],
        fault_domain="",
        mac=new_mac(),
        address=free_address(cloud, details.get("privateIp"), details["subnetId"]),
        hostname=check_label(cloud, label) if label else "",
        subnet_id=details["subnetId"],
        nsg_ids=details.get("nsgIds") or [],
        vnic={**named, "skipSourceDestCheck": bool(details.get("skipSourceDestCheck"))},
    )


def detach_vnic(cloud: Tenancy, call: Call) -> None:
    """DetachVnic. Refuses the primary VNIC (400), and one that is not ATTACHED (409)."""
    attachment = cloud.required(KIND, call.path["id"])
    if attachment.state == "DETACHED":
        raise conflict(f"VNIC attachment {attachment.id} is not currently attached")
    if attachment.state != "ATTACHED":
        raise incorrect_state(f"VNIC attachment {attachment.id} is {attachment.state}: it must be ATTACHED")
    if cloud.required("vnic", attachment.body["vnicId"]).body["isPrimary"]:
        raise invalid(f"VNIC {attachment.body['vnicId']} is the primary VNIC: it goes with its instance")
    begin(cloud, cloud.store.put(attachment.changed(lifecycleState="DETACHING")), "detach_vnic", "DetachVnic")


def _nic(job: StateTransition) -> Nic:
    vnic = job.cloud.required("vnic", job.resource.body["vnicId"])
    world = job.cloud.world
    subnet = list(world.subnets).index(vnic.body["subnetId"])
    network = ipaddress.ip_network(world.subnets[vnic.body["subnetId"]])
    return Nic(vnic.body["macAddress"], subnet, f"{network[1]}/{network.prefixlen}")


def _attach(hardware: Hardware, job: StateTransition) -> Document:
    hardware.attach_nic(job.resource.body["instanceId"], _nic(job))
    return {}


def _attached(cloud: Tenancy, attachment: StoredResource, facts: Document) -> None:
    cloud.store.put(attachment.changed(lifecycleState="ATTACHED", vlanTag=0))


def _detach(hardware: Hardware, job: StateTransition) -> Document:
    hardware.detach_nic(job.resource.body["instanceId"], _nic(job))
    return {}


def _detached(cloud: Tenancy, attachment: StoredResource, facts: Document) -> None:
    for address in cloud.store.find("privateip", vnicId=attachment.body["vnicId"]):
        cloud.store.remove(address.id)
    cloud.store.remove(attachment.body["vnicId"])
    cloud.store.put(attachment.changed(lifecycleState="DETACHED"))


def _still_attached(cloud: Tenancy, attachment: StoredResource) -> None:
    cloud.store.put(attachment.changed(lifecycleState="ATTACHED"))


ATTACH = StateChange(_attach, _attached, lambda cloud, attachment: _detached(cloud, attachment, {}))
DETACH = StateChange(_detach, _detached, _still_attached)
