"""The network as it stands: one VCN, two subnets, one security group, and the instances' VNICs."""

import ipaddress

from lab.api.core.call import Call, Tenancy, listed, listed_in_compartment
from lab.api.core.errors import not_modelled
from lab.api.core.ocid import timestamp
from lab.api.core.store import Document, StoredResource

SUBNETS = ("lab", "storage")
VNIC_UPDATES = {
    "displayName",
    "freeformTags",
    "definedTags",
    "hostnameLabel",
    "nsgIds",
    "skipSourceDestCheck",
}


def network_records(cloud: Tenancy) -> list[StoredResource]:
    """VCN, subnets and security group of a new lab."""
    world = cloud.world
    shared = {
        "compartmentId": world.compartment_id,
        "lifecycleState": "AVAILABLE",
        "timeCreated": timestamp(),
        "freeformTags": {},
        "definedTags": {},
        "systemTags": {},
        "vcnId": world.vcn_id,
    }
    vcn = {key: value for key, value in shared.items() if key != "vcnId"} | _vcn(cloud)
    group = {**shared, "id": world.network_security_group_id, "displayName": "lab"}
    return [
        StoredResource(world.vcn_id, "vcn", vcn),
        *(
            StoredResource(ocid, "subnet", {**shared, **_subnet(ocid, cidr, name)})
            for (ocid, cidr), name in zip(world.subnets.items(), SUBNETS, strict=True)
        ),
        StoredResource(world.network_security_group_id, "networksecuritygroup", group),
    ]


def _vcn(cloud: Tenancy) -> Document:
    return {
        "id": cloud.world.vcn_id,
        "displayName": "lab",
        "cidrBlock": "10.0.0.0/16",
        "cidrBlocks": ["10.0.0.0/16"],
        "dnsLabel": "lab",
        "vcnDomainName": "lab.oraclevcn.com",
        "ipv6CidrBlocks": [],
        "securityAttributes": {},
    }


def _subnet(ocid: str, cidr: str, name: str) -> Document:
    subnet = ipaddress.ip_network(cidr)
    return {
        "id": ocid,
        "displayName": name,
        "availabilityDomain": None,  # regional
        "cidrBlock": str(subnet),
        "ipv4CidrBlocks": [str(subnet)],
        "dnsLabel": name,
        "subnetDomainName": f"{name}.lab.oraclevcn.com",
        "virtualRouterIp": str(subnet[1]),
        "virtualRouterMac": "00:00:17:00:00:01",
        "prohibitPublicIpOnVnic": True,
        "prohibitInternetIngress": True,
        "routeTableId": None,
        "dhcpOptionsId": None,
        "securityListIds": [],
        "ipv6CidrBlocks": [],
    }


def get_vcn(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("vcn", call.path["id"])


def list_vcns(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, "vcn", ("displayName", "lifecycleState"))


def get_subnet(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("subnet", call.path["id"])


def list_subnets(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed_in_compartment(cloud, call, "subnet", ("displayName", "lifecycleState", "vcnId"))


def get_network_security_group(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("networksecuritygroup", call.path["id"])


def list_network_security_groups(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return listed(cloud, call, "networksecuritygroup", ("displayName", "lifecycleState", "vcnId"))


def get_vnic(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("vnic", call.path["id"])


def update_vnic(cloud: Tenancy, call: Call) -> StoredResource:
    """UpdateVnic. 501 (an ApiError) for a field that is not modelled."""
    vnic = cloud.required("vnic", call.path["id"])
    changes = {name: value for name, value in call.body.items() if value is not None}
    extra = sorted(name for name in set(changes) - VNIC_UPDATES if changes[name] != vnic.body.get(name))
    if extra:
        raise not_modelled(f"a change of a VNIC's {extra[0]}")
    return cloud.store.put(vnic.changed(**changes))


def get_vnic_attachment(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("vnicattachment", call.path["id"])


def list_vnic_attachments(cloud: Tenancy, call: Call) -> list[StoredResource]:
    filters = ("availabilityDomain", "instanceId", "vnicId")
    return listed_in_compartment(cloud, call, "vnicattachment", filters)


def list_ipv6s(cloud: Tenancy, call: Call) -> list[StoredResource]:
    return []  # the subnet has no IPv6 prefix, so there is none to list
