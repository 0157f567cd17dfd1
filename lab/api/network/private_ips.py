"""Private IPs: the primary one of each VNIC, and secondary ones that can move between VNICs of the subnet.

The record moves here; the guest's own configuration is its owner's business, as on OCI.
"""

from lab.api.core.call import Call, Tenancy, listed, tags
from lab.api.core.errors import incorrect_state, invalid, limit_exceeded, missing
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import StoredResource
from lab.api.network.addresses import check_label, free_address

KIND = "privateip"
MOST_SECONDARIES = 63
LIFETIMES = ("EPHEMERAL", "RESERVED")
MODELLED = ("vnicId", "displayName", "hostnameLabel", "ipAddress", "freeformTags", "definedTags", "lifetime")


def get_private_ip(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(KIND, call.path["id"])


def list_private_ips(cloud: Tenancy, call: Call) -> list[StoredResource]:
    """ListPrivateIps. Refuses a call without a subnet, VNIC or address (400 MissingParameter)."""
    filters = ("ipAddress", "subnetId", "vnicId", "lifetime", "ipState")
    if not any(call.query.get(name) for name in filters[:3]):
        raise missing("subnetId, vnicId or ipAddress")
    return listed(cloud, call, KIND, filters)


def create_private_ip(cloud: Tenancy, call: Call) -> StoredResource:
    call.modelled(*MODELLED)
    vnic = cloud.required("vnic", call.text("vnicId"))
    _check_room(cloud, vnic)
    label = call.body.get("hostnameLabel")
    ocid = new_ocid(KIND)
    body = {
        "id": ocid,
        "compartmentId": cloud.world.compartment_id,
        "availabilityDomain": vnic.body["availabilityDomain"],
        "displayName": call.body.get("displayName") or f"privateip{ocid[-8:]}",
        "hostnameLabel": check_label(cloud, label) if label else None,
        "ipAddress": free_address(cloud, call.body.get("ipAddress"), vnic.body["subnetId"]),
        "isPrimary": False,
        "subnetId": vnic.body["subnetId"],
        "vlanId": None,
        "vnicId": vnic.id,
        "ipState": "ASSIGNED",
        "lifetime": call.body.get("lifetime") or "EPHEMERAL",
        "routeTableId": None,
        "cidrPrefixLength": None,
        "timeCreated": timestamp(),
        **tags(call.body),
    }
    return cloud.store.put(StoredResource(ocid, KIND, body))


def _check_room(cloud: Tenancy, vnic: StoredResource) -> None:
    held = cloud.store.find(KIND, vnicId=vnic.id)
    if len(held) > MOST_SECONDARIES:
        raise limit_exceeded(f"VNIC {vnic.id} has {MOST_SECONDARIES} secondary private IPs, the most it can")


def update_private_ip(cloud: Tenancy, call: Call) -> StoredResource:
    """UpdatePrivateIp. Refuses an unknown lifetime (400 InvalidParameter)."""
    address = cloud.required(KIND, call.path["id"])
    call.modelled("vnicId", "displayName", "hostnameLabel", "freeformTags", "definedTags", "lifetime")
    changes = {name: value for name, value in call.body.items() if value is not None}
    if changes.get("lifetime", "EPHEMERAL") not in LIFETIMES:
        raise invalid(f"lifetime must be one of {', '.join(LIFETIMES)}, not {changes['lifetime']}")
    moves = "vnicId" in changes and changes["vnicId"] != address.body["vnicId"]
    if moves:
        _check_move(cloud, address, changes["vnicId"])
    if "hostnameLabel" in changes and changes["hostnameLabel"] != address.body["hostnameLabel"]:
        check_label(cloud, changes["hostnameLabel"])
    return cloud.store.put(address.changed(**changes))


def _check_move(cloud: Tenancy, address: StoredResource, vnic_id: str) -> None:
    vnic = cloud.required("vnic", vnic_id)
    if address.body["isPrimary"]:
        raise invalid(f"{address.body['ipAddress']} is the primary address of its VNIC: it cannot move")
    if vnic.body["subnetId"] != address.body["subnetId"]:
        raise invalid(f"VNIC {vnic_id} is in another subnet than {address.body['ipAddress']}")
    _check_room(cloud, vnic)


def delete_private_ip(cloud: Tenancy, call: Call) -> None:
    """DeletePrivateIp. Refuses a primary address (409 IncorrectState)."""
    address = cloud.required(KIND, call.path["id"])
    if address.body["isPrimary"]:
        raise incorrect_state(f"{address.body['ipAddress']} is a primary address: it goes with its VNIC")
    cloud.store.remove(address.id)
