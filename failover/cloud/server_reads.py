"""Reads of one server by the OCI API, for `invoke adopt`: the instance and all that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import oci

from failover.cloud.client import Connection
from failover.cloud.inventory import Unanswered, called, listed, retries
from failover.cloud.profile import full_region
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.site import CloudAccess

_AT_ONCE = 8  # OCI throttles callers that ask for more at a time (429)
_DETACHING_OR_DETACHED = ("DETACHING", "DETACHED")


@dataclass(frozen=True)
class ServerInstance:
    """An instance as GetInstance has it. `plugins`: what Oracle Cloud Agent's are to be, by name."""

    id: str
    name: str
    state: str
    compartment_id: str
    region: str
    availability_domain: str
    fault_domain: str
    shape: str
    ocpus: float | None
    memory_gbs: float | None
    image_id: str
    boot_volume_gbs: int | None
    capacity_reservation_id: str
    keys: str
    tags: Mapping[str, str] = field(default_factory=dict)
    defined_tags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerVnic:
    """One VNIC. `addresses`: all private addresses of it, the primary one first."""

    id: str
    name: str
    primary: bool
    nic_index: int
    subnet_id: str
    subnet: str
    cidr: str
    private_ip: str
    hostname: str
    nsg_ids: tuple[str, ...]
    skip_source_dest_check: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class DataVolume:
    """A volume with the attachment by which the instance has it. `kind`: the attachment's type.

    `holders`: every instance that is seen to have the volume. `backup_policy`: whether one is assigned; None
    when that could not be learnt.
    """

    attachment_id: str
    volume_id: str
    name: str
    state: str
    availability_domain: str
    size_gbs: int
    vpus_per_gb: int
    kind: str
    iqn: str
    address: str
    port: int | None
    shareable: bool
    read_only: bool
    multipath: bool
    chap: bool
    agent_login: bool
    holders: tuple[str, ...]
    backup_policy: bool | None


@dataclass(frozen=True)
class ServerFacts:
    """A server by the API. `boot_volume`: its size and state in words; `image`: its name and system."""

    instance: ServerInstance
    vnics: tuple[ServerVnic, ...]
    volumes: tuple[DataVolume, ...]
    boot_volume: str = ""
    image: str = ""
    system: str = ""

    @property
    def primary(self) -> ServerVnic | None:
        """The VNIC that the instance was launched with."""
        return next((vnic for vnic in self.vnics if vnic.primary), None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every private address of every VNIC."""
        return tuple(address for vnic in self.vnics for address in vnic.addresses)


class ServerReads:
    """The region's API for one server, read only. Raises Unanswered for a call without a usable answer."""

    def __init__(self, access: CloudAccess, give_up_seconds: float) -> None:
        connection = Connection(access, give_up_seconds, retries(give_up_seconds))
        self._compute = connection.client(oci.core.ComputeClient)
        self._storage = connection.client(oci.core.BlockstorageClient)
        self._network = connection.client(oci.core.VirtualNetworkClient)

    def named(self, name: str, compartment_id: str) -> tuple[str, ...]:
        """ListInstances: the OCIDs of those with this display name that are not terminated."""
        instances = listed("ListInstances", self._compute.list_instances, compartment_id, display_name=name)
        return tuple(i.id for i in instances if i.lifecycle_state not in ENDING_OR_ENDED)

    def instance(self, instance_id: str) -> ServerInstance:
        """GetInstance."""
        return _instance(called("GetInstance", self._compute.get_instance, instance_id))

    def server(self, instance_id: str) -> ServerFacts:
        """The instance with its VNICs, data volumes, boot volume and image; what is optional may be empty."""
        instance = self.instance(instance_id)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            vnics = pool.submit(self._vnics, instance)
            boot = pool.submit(self._boot_volume, instance)
            image = pool.submit(self._image, instance.image_id)
            volumes = self._volumes(instance, pool)
            name, system = image.result()
            return ServerFacts(instance, vnics.result(), volumes, boot.result(), name, system)

    def _vnics(self, instance: ServerInstance) -> tuple[ServerVnic, ...]:
        joined = listed(
            "ListVnicAttachments",
            self._compute.list_vnic_attachments,
            instance.compartment_id,
            instance_id=instance.id,
        )
        live = [one for one in joined if one.lifecycle_state == "ATTACHED"]
        vnics = [self._vnic(one) for one in live]
        return tuple(sorted(vnics, key=lambda vnic: (not vnic.primary, vnic.nic_index, vnic.name)))

    def _vnic(self, joined: Any) -> ServerVnic:
        vnic = called("GetVnic", self._network.get_vnic, joined.vnic_id)
        subnet = called("GetSubnet", self._network.get_subnet, vnic.subnet_id)
        ips = listed("ListPrivateIps", self._network.list_private_ips, vnic_id=vnic.id)
        others = sorted(one.ip_address for one in ips if one.ip_address != vnic.private_ip)
        return ServerVnic(
            vnic.id,
            vnic.display_name or "",
            bool(vnic.is_primary),
            int(joined.nic_index or 0),
            vnic.subnet_id,
            subnet.display_name or "",
            subnet.cidr_block or "",
            vnic.private_ip,
            vnic.hostname_label or "",
            tuple(vnic.nsg_ids or ()),
            bool(vnic.skip_source_dest_check),
            (vnic.private_ip, *others),
        )

    def _volumes(self, instance: ServerInstance, pool: ThreadPoolExecutor) -> tuple[DataVolume, ...]:
        everyone = listed(
            "ListVolumeAttachments", self._compute.list_volume_attachments, instance.compartment_id
        )
        live = [one for one in everyone if one.lifecycle_state not in _DETACHING_OR_DETACHED]
        mine = [one for one in live if one.instance_id == instance.id]
        holders: dict[str, tuple[str, ...]] = {}
        for one in live:
            holders[one.volume_id] = (*holders.get(one.volume_id, ()), one.instance_id)
        volumes = pool.map(lambda one: self._volume(one, holders[one.volume_id]), mine)
        return tuple(sorted(volumes, key=lambda volume: (volume.name, volume.volume_id)))

    def _volume(self, joined: Any, holders: tuple[str, ...]) -> DataVolume:
        volume = called("GetVolume", self._storage.get_volume, joined.volume_id)
        return DataVolume(
            joined.id,
            volume.id,
            volume.display_name or "",
            volume.lifecycle_state,
            volume.availability_domain,
            int(volume.size_in_gbs or 0),
            int(volume.vpus_per_gb or 0),
            joined.attachment_type,
            getattr(joined, "iqn", None) or "",
            getattr(joined, "ipv4", None) or "",
            getattr(joined, "port", None),
            bool(joined.is_shareable),
            bool(joined.is_read_only),
            bool(joined.is_multipath),
            bool(getattr(joined, "chap_username", None)),
            bool(getattr(joined, "is_agent_auto_iscsi_login_enabled", None)),
            holders,
            self._has_policy(volume.id),
        )

    def _has_policy(self, volume_id: str) -> bool | None:
        """None for a caller that may not read backup policies: not worth refusing an adoption for."""
        ask = self._storage.get_volume_backup_policy_asset_assignment
        try:
            return bool(listed("GetVolumeBackupPolicyAssetAssignment", ask, volume_id))
        except Unanswered:
            return None

    def _boot_volume(self, instance: ServerInstance) -> str:
        try:
            joined = listed(
                "ListBootVolumeAttachments",
                self._compute.list_boot_volume_attachments,
                instance.availability_domain,
                instance.compartment_id,
                instance_id=instance.id,
            )
            volumes = [
                called("GetBootVolume", self._storage.get_boot_volume, one.boot_volume_id) for one in joined
            ]
        except Unanswered as error:
            return f"not read: {error.reason}"
        return ", ".join(f"{v.size_in_gbs} GB, {v.vpus_per_gb} VPU, {v.lifecycle_state}" for v in volumes)

    def _image(self, image_id: str) -> tuple[str, str]:
        """Name and operating system; empty where the image was deleted, or belongs to nobody here."""
        try:
            image = called("GetImage", self._compute.get_image, image_id)
        except Unanswered:
            return "", ""
        return image.display_name or "", f"{image.operating_system} {image.operating_system_version}"


def _instance(instance: Any) -> ServerInstance:
    shape, source = instance.shape_config, instance.source_details
    plugins = (instance.agent_config.plugins_config if instance.agent_config else None) or []
    return ServerInstance(
        instance.id,
        instance.display_name,
        instance.lifecycle_state,
        instance.compartment_id,
        full_region(instance.region or ""),
        instance.availability_domain,
        instance.fault_domain or "",
        instance.shape,
        shape.ocpus if shape else None,
        shape.memory_in_gbs if shape else None,
        instance.image_id or getattr(source, "image_id", None) or "",
        getattr(source, "boot_volume_size_in_gbs", None),
        instance.capacity_reservation_id or "",
        (instance.metadata or {}).get("ssh_authorized_keys", ""),
        instance.freeform_tags or {},
        instance.defined_tags or {},
        {one.name: one.desired_state for one in plugins},
    )
