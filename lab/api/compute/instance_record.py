"""The records that stand for one instance: instance, VNIC, private IP, boot volume and their attachments."""

from dataclasses import dataclass, field

from lab.api.compute.shapes import shape_config
from lab.api.core.call import Tenancy
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.hardware.machine import Machine

BOOT_VOLUME_GBS = 50
_NO_AGENT = {"isMonitoringDisabled": True, "isManagementDisabled": True, "areAllPluginsDisabled": True}


@dataclass(frozen=True)
class Birth:
    """What is known of an instance before its records exist."""

    instance_id: str
    name: str
    shape: str
    image_id: str
    availability_domain: str
    fault_domain: str
    mac: str
    address: str
    hostname: str
    subnet_id: str
    nsg_ids: list[str] = field(default_factory=list)
    boot_volume_gbs: int = BOOT_VOLUME_GBS
    vnic: Document = field(default_factory=dict)
    instance: Document = field(default_factory=dict)
    compartment_id: str = ""  # empty: the lab's own
    boot_volume_id: str = ""  # empty: a new one is made of the image


def record_instance(cloud: Tenancy, birth: Birth, state: str) -> StoredResource:
    """Store all records of an instance, in `state` and in what the others are in then; the instance."""
    placed = _placed(cloud, birth)
    attached = "ATTACHED" if state == "RUNNING" else "ATTACHING"
    vnic = put_vnic(cloud, birth, placed, primary=True)
    boot = (
        cloud.required("bootvolume", birth.boot_volume_id)
        if birth.boot_volume_id
        else cloud.store.put(_boot_volume(birth, placed))
    )
    joined = {**placed, "instanceId": birth.instance_id, "lifecycleState": attached, "displayName": None}
    extras = {"vnicId": vnic.id, "subnetId": birth.subnet_id, "nicIndex": 0, "vlanId": None, "vlanTag": 0}
    _put(cloud, "vnicattachment", joined, extras)
    _put(cloud, "bootvolumeattachment", joined, {"bootVolumeId": boot.id, "timeUpdated": None})
    return cloud.store.put(_instance(birth, placed, state))


def put_vnic(cloud: Tenancy, birth: Birth, placed: Document, primary: bool) -> StoredResource:
    """Store a VNIC and its own address; the VNIC. `placed`: what all records of one making have in common."""
    vnic = cloud.store.put(_vnic(birth, placed, primary))
    cloud.store.put(_private_ip(birth, placed, vnic.id))
    return vnic


def machine_of(instance: StoredResource) -> Machine:
    """The guest behind an instance, as the hardware knows it."""
    facts = instance.hidden
    name = str(instance.body["displayName"])
    return Machine(instance.id, name, facts["mac"], facts["address"], facts["hostname"])


def agent_config(details: Document) -> Document:
    """Oracle Cloud Agent as it was asked for; what is not said is enabled, as on OCI."""
    flags = ("isMonitoringDisabled", "isManagementDisabled", "areAllPluginsDisabled")
    plugins = [
        {"name": one["name"], "desiredState": one["desiredState"]}
        for one in details.get("pluginsConfig") or []
    ]
    return {**{flag: bool(details.get(flag)) for flag in flags}, "pluginsConfig": plugins}


def _placed(cloud: Tenancy, birth: Birth) -> Document:
    return {
        "compartmentId": birth.compartment_id or cloud.world.compartment_id,
        "availabilityDomain": birth.availability_domain,
        "timeCreated": timestamp(),
        "freeformTags": {},
        "definedTags": {},
    }


def _put(cloud: Tenancy, kind: str, joined: Document, extras: Document) -> None:
    ocid = new_ocid(kind)
    cloud.store.put(StoredResource(ocid, kind, {**joined, **extras, "id": ocid}))


def _instance(birth: Birth, placed: Document, state: str) -> StoredResource:
    body = {
        **placed,
        "id": birth.instance_id,
        "displayName": birth.name,
        "lifecycleState": state,
        "faultDomain": birth.fault_domain,
        "region": birth.instance_id.split(".")[3],
        "shape": birth.shape,
        "shapeConfig": shape_config(birth.shape, birth.instance.get("shapeConfig")),
        "imageId": birth.image_id,
        "sourceDetails": _source(birth),
        "launchMode": "NATIVE",
        "launchOptions": {
            "bootVolumeType": "ISCSI",
            "firmware": "UEFI_64",
            "networkType": "VFIO",
            "remoteDataVolumeType": "ISCSI",
            "isPvEncryptionInTransitEnabled": False,
            "isConsistentVolumeNamingEnabled": False,
        },
        "instanceOptions": {"areLegacyImdsEndpointsDisabled": True},
        "availabilityConfig": {"isLiveMigrationPreferred": None, "recoveryAction": "RESTORE_INSTANCE"},
        "agentConfig": agent_config(_NO_AGENT),
        "metadata": {},
        "extendedMetadata": {},
        "systemTags": {},
        "securityAttributes": {},
        "securityAttributesState": "STABLE",
        "capacityReservationId": None,
        "dedicatedVmHostId": None,
        "ipxeScript": None,
        "platformConfig": None,
        "preemptibleInstanceConfig": None,
        "timeMaintenanceRebootDue": None,
        **{key: value for key, value in birth.instance.items() if key != "shapeConfig"},
    }
    facts = {"mac": birth.mac, "address": birth.address, "hostname": birth.hostname}
    return StoredResource(birth.instance_id, "instance", body, facts)


def _source(birth: Birth) -> Document:
    if birth.boot_volume_id:
        return {"sourceType": "bootVolume", "bootVolumeId": birth.boot_volume_id}
    return {
        "sourceType": "image",
        "imageId": birth.image_id,
        "bootVolumeSizeInGBs": birth.boot_volume_gbs,
        "bootVolumeVpusPerGB": 10,
    }


def _vnic(birth: Birth, placed: Document, primary: bool) -> StoredResource:
    ocid = new_ocid("vnic")
    body = {
        **placed,
        "id": ocid,
        "displayName": birth.name,
        "lifecycleState": "AVAILABLE",
        "hostnameLabel": birth.hostname or None,
        "isPrimary": primary,
        "macAddress": birth.mac,
        "privateIp": birth.address,
        "publicIp": None,
        "subnetId": birth.subnet_id,
        "vlanId": None,
        "nsgIds": birth.nsg_ids,
        "skipSourceDestCheck": False,
        "ipv6Addresses": [],
        "routeTableId": None,
        "systemTags": {},
        "securityAttributes": {},
        **birth.vnic,
    }
    return StoredResource(ocid, "vnic", body, {"instance_id": birth.instance_id})


def _private_ip(birth: Birth, placed: Document, vnic_id: str) -> StoredResource:
    ocid = new_ocid("privateip")
    body = {
        **placed,
        "id": ocid,
        "displayName": birth.name,
        "hostnameLabel": birth.hostname or None,
        "ipAddress": birth.address,
        "isPrimary": True,
        "subnetId": birth.subnet_id,
        "vlanId": None,
        "vnicId": vnic_id,
        "ipState": "ASSIGNED",
        "lifetime": "EPHEMERAL",
        "routeTableId": None,
        "cidrPrefixLength": None,
    }
    return StoredResource(ocid, "privateip", body)


def _boot_volume(birth: Birth, placed: Document) -> StoredResource:
    ocid = new_ocid("bootvolume")
    body = {
        **placed,
        "id": ocid,
        "displayName": f"{birth.name} (Boot Volume)",
        "lifecycleState": "AVAILABLE",
        "imageId": birth.image_id,
        "sizeInGBs": birth.boot_volume_gbs,
        "sizeInMBs": birth.boot_volume_gbs * 1024,
        "vpusPerGB": 10,
        "isHydrated": True,
        "isAutoTuneEnabled": False,
        "autotunePolicies": [],
        "autoTunedVpusPerGB": None,
        "bootVolumeReplicas": [],
        "sourceDetails": None,
        "volumeGroupId": None,
        "kmsKeyId": None,
        "systemTags": {},
    }
    return StoredResource(ocid, "bootvolume", body)
