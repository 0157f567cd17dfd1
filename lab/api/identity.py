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
    """ListAvailabilityDomains: "name", "id" and "compartmentId", the tenancy's, of each. Raises 400, 404."""
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
    """ListFaultDomains: "name", "id", "compartmentId" and "availabilityDomain" of each.

    Raises 400 for a query without one of the two, 404 for an unknown compartment or availability domain.
    """
    cloud.require_compartment(call.required_query("compartmentId"))
    domain = call.required_query("availabilityDomain")
    if domain not in cloud.world.availability_domains:
        raise not_found(domain)
    shared = {"compartmentId": cloud.world.compartment_id, "availabilityDomain": domain}
    return [
        {"name": name, "id": f"ocid1.faultdomain.oc1..{name.lower()}", **shared} for name in FAULT_DOMAINS
    ]


def get_compartment(cloud: Tenancy, call: Call) -> Document:
    """GetCompartment: "id", "name", "description", "lifecycleState", "compartmentId", the tenancy's,
    "timeCreated" (RFC 3339), "freeformTags", "definedTags", "isAccessible". Raises 404."""
    cloud.require_compartment(call.path["id"])
    return _compartment(cloud, call.path["id"])


def list_compartments(cloud: Tenancy, call: Call) -> list[Document]:
    """ListCompartments: in the tenancy the lab's one, with the keys of `get_compartment`; in it none.

    Raises 400 for a query without a parent, 404 for an unknown one.
    """
    parent = call.required_query("compartmentId")
    cloud.require_compartment(parent)
    return [_compartment(cloud, cloud.world.compartment_id)] if parent == cloud.world.tenancy_id else []


def get_tenancy(cloud: Tenancy, call: Call) -> Document:
    """GetTenancy: "id", "name", "description", "homeRegionKey" and the two maps of tags.

    Raises 404 for another one than the lab's.
    """
    if call.path["id"] != cloud.world.tenancy_id:
        raise not_found(call.path["id"])
    home = {"homeRegionKey": REGION_KEY, "description": "the lab's tenancy"}
    return {"id": cloud.world.tenancy_id, "name": "lab", **home, "freeformTags": {}, "definedTags": {}}


def list_region_subscriptions(cloud: Tenancy, call: Call) -> list[Document]:
    """ListRegionSubscriptions: the home region alone, "regionKey", "regionName", "status", "isHomeRegion"."""
    region = {"regionKey": REGION_KEY, "regionName": cloud.world.region}
    return [{**region, "status": "READY", "isHomeRegion": True}]


def create_compute_capacity_report(cloud: Tenancy, call: Call) -> Document:
    """AVAILABLE for every offered shape, unless an injected fault refuses launches for want of capacity.

    Raises 404 for an unknown compartment or availability domain, 400 for a call without one or without
    "shapeAvailabilities". The answer has "compartmentId", "availabilityDomain", "timeCreated" (RFC 3339) and
    "shapeAvailabilities", with "availabilityStatus" and "availableCount" (instances; None: not said) of each.
    """
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
