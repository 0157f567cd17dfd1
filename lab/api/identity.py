"""Identity and placement: compartments, tenancy, regions, availability and fault domains, capacity."""

from lab.api.compute.shapes import SHAPES
from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import missing, not_found
from lab.api.core.faults import Faults
from lab.api.core.ocid import timestamp
from lab.api.core.store import Document
from lab.api.core.world import FAULT_DOMAINS

REGION_KEY = "FRA"


def list_availability_domains(cloud: Tenancy, call: Call) -> list[Document]:
    cloud.require_compartment(call.required_query("compartmentId"))
    return [
        {
            "name": name,
            "id": f"ocid1.availabilitydomain.oc1..{number}",
            "compartmentId": cloud.world.tenancy_id,
        }
        for number, name in enumerate(cloud.world.availability_domains, 1)
    ]


def list_fault_domains(cloud: Tenancy, call: Call) -> list[Document]:
    """ListFaultDomains. Refuses an unknown availability domain (404)."""
    cloud.require_compartment(call.required_query("compartmentId"))
    domain = call.required_query("availabilityDomain")
    if domain not in cloud.world.availability_domains:
        raise not_found(domain)
    shared = {"compartmentId": cloud.world.compartment_id, "availabilityDomain": domain}
    return [
        {"name": name, "id": f"ocid1.faultdomain.oc1..{name.lower()}", **shared} for name in FAULT_DOMAINS
    ]


def get_compartment(cloud: Tenancy, call: Call) -> Document:
    cloud.require_compartment(call.path["id"])
    return _compartment(cloud, call.path["id"])


def list_compartments(cloud: Tenancy, call: Call) -> list[Document]:
    parent = call.required_query("compartmentId")
    cloud.require_compartment(parent)
    return [_compartment(cloud, cloud.world.compartment_id)] if parent == cloud.world.tenancy_id else []


def get_tenancy(cloud: Tenancy, call: Call) -> Document:
    """GetTenancy. Refuses another one than the lab's (404)."""
    if call.path["id"] != cloud.world.tenancy_id:
        raise not_found(call.path["id"])
    home = {"homeRegionKey": REGION_KEY, "description": "the lab's tenancy"}
    return {"id": cloud.world.tenancy_id, "name": "lab", **home, "freeformTags": {}, "definedTags": {}}


def list_region_subscriptions(cloud: Tenancy, call: Call) -> list[Document]:
    region = {"regionKey": REGION_KEY, "regionName": cloud.world.region}
    return [{**region, "status": "READY", "isHomeRegion": True}]


def create_compute_capacity_report(cloud: Tenancy, call: Call) -> Document:
    """AVAILABLE for every offered shape, unless an injected fault refuses launches for want of capacity."""
    cloud.require_compartment(call.text("compartmentId"))
    domain = call.text("availabilityDomain")
    if domain not in cloud.world.availability_domains:
        raise not_found(domain)
    if not call.body.get("shapeAvailabilities"):
        raise missing("shapeAvailabilities")
    answered = [_availability(cloud, details) for details in call.body["shapeAvailabilities"]]
    return {
        "compartmentId": call.body["compartmentId"],
        "availabilityDomain": domain,
        "timeCreated": timestamp(),
        "shapeAvailabilities": answered,
    }


def _availability(cloud: Tenancy, details: Document) -> Document:
    faults = [one for one in Faults(cloud.store).in_force() if one.operation == "LaunchInstance"]
    status, count = "AVAILABLE", None
    if details.get("instanceShape") not in SHAPES:
        status, count = "HARDWARE_NOT_SUPPORTED", 0
    elif any("capacity" in one.message.lower() for one in faults):
        status, count = "OUT_OF_HOST_CAPACITY", 0
    kept = {name: details.get(name) for name in ("instanceShape", "instanceShapeConfig", "faultDomain")}
    return {**kept, "availabilityStatus": status, "availableCount": count}


def _compartment(cloud: Tenancy, ocid: str) -> Document:
    names = {"name": "lab", "description": "the lab's compartment", "lifecycleState": "ACTIVE"}
    maps: Document = {"freeformTags": {}, "definedTags": {}}
    parent = {"compartmentId": cloud.world.tenancy_id, "timeCreated": "2026-01-01T00:00:00.000Z"}
    return {"id": ocid, **names, **parent, **maps, "isAccessible": True}
