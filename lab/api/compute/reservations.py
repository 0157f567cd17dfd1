"""Capacity reservations: made, read, and counted by the launches into them.

Source: https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/reserve-capacity.htm
"""

from lab.api.compute.shapes import required_shape
from lab.api.core.call import Call, Tenancy, tags
from lab.api.core.errors import invalid, missing, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource

KIND = "capacityreservation"
ENDING_OR_ENDED = ("TERMINATING", "TERMINATED")


def create_compute_capacity_reservation(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateComputeCapacityReservation. Refuses another compartment (404), an empty one (400)."""
    call.modelled(
        *("availabilityDomain", "compartmentId", "definedTags", "displayName", "freeformTags"),
        "instanceReservationConfigs",
    )
    cloud.require_compartment(call.text("compartmentId"))
    if not call.body.get("instanceReservationConfigs"):
        raise missing("instanceReservationConfigs")
    ocid = new_ocid(KIND)
    configs = [_config(details) for details in call.body["instanceReservationConfigs"]]
    body = {
        "id": ocid,
        "compartmentId": call.body["compartmentId"],
        "availabilityDomain": call.text("availabilityDomain"),
        "displayName": call.body.get("displayName"),
        "lifecycleState": "ACTIVE",
        "isDefaultReservation": False,
        "instanceReservationConfigs": configs,
        "reservedInstanceCount": sum(one["reservedCount"] for one in configs),
        "usedInstanceCount": 0,
        "timeCreated": timestamp(),
        **tags(call.body),
    }
    return cloud.store.put(StoredResource(ocid, KIND, body))


def _config(details: Document) -> Document:
    if details.get("faultDomain") or details.get("instanceShapeConfig"):
        raise not_modelled("a reservation for one fault domain or shape configuration")
    shape = required_shape(str(details.get("instanceShape")))
    return {
        "instanceShape": shape.name,
        "reservedCount": int(details.get("reservedCount") or 0),
        "usedCount": 0,
    }


def get_compute_capacity_reservation(cloud: Tenancy, call: Call) -> StoredResource:
    reservation = cloud.required(KIND, call.path["id"])
    return reservation.changed(usedInstanceCount=len(_used(cloud, reservation.id)))


def check_reservation(cloud: Tenancy, ocid: str | None, shape: str, domain: str) -> None:
    """Raises 404 for an unknown reservation, 400 for one of another shape or availability domain, and 501 for
    one that is full: what OCI answers then is not modelled."""
    if ocid is None:
        return
    body = cloud.required(KIND, ocid).body
    fitting = [one for one in body["instanceReservationConfigs"] if one["instanceShape"] == shape]
    if body["availabilityDomain"] != domain or not fitting:
        raise invalid(f"capacity reservation {ocid} has no {shape} in {domain}")
    used = [one for one in _used(cloud, ocid) if one.body["shape"] == shape]
    if len(used) >= sum(one["reservedCount"] for one in fitting):
        raise not_modelled("a launch into a capacity reservation that is used up")


def _used(cloud: Tenancy, ocid: str) -> list[StoredResource]:
    instances = cloud.store.find("instance", capacityReservationId=ocid)
    return [one for one in instances if one.state not in ENDING_OR_ENDED]
