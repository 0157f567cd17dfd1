"""Reads of the OCI API for prechecks: given up after a while, the answer as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import oci

from failover.cloud.client import Connection, pages
from failover.cloud.compute import LOOSE, binding
from failover.cloud.resources import ImageFacts, InstanceFacts, PrivateIp, SubnetFacts, VolumeFacts
from failover.model.attachments import Attachment
from failover.model.outcome import Unknown
from failover.model.site import CloudAccess

_AT_ONCE = 16  # calls; the API's limits are per second


class Unanswered(Unknown):
    """A call that gave no usable answer. `status` is the HTTP status, None when there was none at all."""

    def __init__(self, operation: str, status: int | None, reason: str) -> None:
        super().__init__(f"OCI {operation}: {reason}", "")
        self.operation = operation
        self.status = status


class CloudReads:
    """The region's API, read only (a capacity report is a POST that changes nothing).

    `give_up_seconds`: how long a busy or stumbling service is asked again; a refusal is an answer at once.
    """

    def __init__(self, access: CloudAccess, give_up_seconds: float) -> None:
        connection = Connection(access, give_up_seconds, retries(give_up_seconds))
        self.tenancy_id = connection.tenancy_id
        self._compute = connection.client(oci.core.ComputeClient)
        self._storage = connection.client(oci.core.BlockstorageClient)
        self._network = connection.client(oci.core.VirtualNetworkClient)
        self._names = connection.client(oci.dns.DnsClient)

    def instance(self, instance_id: str) -> InstanceFacts:
        """GetInstance."""
        return _instance(called("GetInstance", self._compute.get_instance, instance_id))

    def instances(self, compartment_id: str) -> tuple[InstanceFacts, ...]:
        """ListInstances, all pages."""
        return tuple(map(_instance, listed("ListInstances", self._compute.list_instances, compartment_id)))

    def image(self, image_id: str) -> ImageFacts:
        """GetImage."""
        image = called("GetImage", self._compute.get_image, image_id)
        tags = image.freeform_tags or {}
        return ImageFacts(image.display_name, image.lifecycle_state, image.time_created, image_id, tags)

    def volume(self, volume_id: str) -> VolumeFacts:
        """GetVolume."""
        volume = called("GetVolume", self._storage.get_volume, volume_id)
        return VolumeFacts(volume.lifecycle_state, volume.availability_domain, volume.volume_group_id)

    def attachments(self, compartment_id: str, volume_id: str) -> tuple[Attachment, ...]:
        """ListVolumeAttachments: those of the volume that are not DETACHED."""
        attachments = listed(
            "ListVolumeAttachments",
            self._compute.list_volume_attachments,
            compartment_id,
            volume_id=volume_id,
        )
        return binding(attachments)

    def subnet(self, subnet_id: str) -> SubnetFacts:
        """GetSubnet."""
        subnet = called("GetSubnet", self._network.get_subnet, subnet_id)
        return SubnetFacts(
            subnet.display_name, subnet.lifecycle_state, subnet.cidr_block, subnet.availability_domain
        )

    def attachment_state(self, attachment_id: str) -> str:
        """GetVolumeAttachment: its lifecycle state."""
        attachment = called("GetVolumeAttachment", self._compute.get_volume_attachment, attachment_id)
        return str(attachment.lifecycle_state)

    def vnic_attachment_state(self, attachment_id: str) -> str:
        """GetVnicAttachment: its lifecycle state."""
        attachment = called("GetVnicAttachment", self._compute.get_vnic_attachment, attachment_id)
        return str(attachment.lifecycle_state)

    def vnic_attachments(self, compartment_id: str) -> frozenset[str]:
        """ListVnicAttachments: the OCIDs of those that are not DETACHED."""
        attachments = listed("ListVnicAttachments", self._compute.list_vnic_attachments, compartment_id)
        return frozenset(a.id for a in attachments if a.lifecycle_state not in LOOSE)

    def primary_addresses(self, compartment_id: str, instances: Iterable[str]) -> dict[str, str]:
        """ListVnicAttachments and GetVnic: by the instance's OCID the address of its primary VNIC."""
        wanted = set(instances)
        attachments = listed("ListVnicAttachments", self._compute.list_vnic_attachments, compartment_id)
        joined = [a for a in attachments if a.instance_id in wanted and a.lifecycle_state == "ATTACHED"]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            vnics = list(pool.map(lambda a: called("GetVnic", self._network.get_vnic, a.vnic_id), joined))
        return {a.instance_id: str(v.private_ip) for a, v in zip(joined, vnics, strict=True) if v.is_primary}

    def private_ip(self, private_ip_id: str) -> str:
        """GetPrivateIp: the address."""
        return str(called("GetPrivateIp", self._network.get_private_ip, private_ip_id).ip_address)

    def records(self, zone: str, name: str, view_id: str | None) -> tuple[str, ...]:
        """GetRRSet: what the name's A records say. `zone`: its OCID, or its name in the view."""
        view = {"view_id": view_id} if view_id else {}
        record_set = called("GetRRSet", self._names.get_rr_set, zone, name, "A", **view)
        return tuple(item.rdata for item in record_set.items)

    def private_ips(self, subnet_id: str) -> tuple[PrivateIp, ...]:
        """ListPrivateIps: those of the subnet, all pages."""
        ips = listed("ListPrivateIps", self._network.list_private_ips, subnet_id=subnet_id)
        return tuple(
            PrivateIp(ip.id, ip.ip_address, bool(ip.is_primary), ip.vnic_id, ip.hostname_label) for ip in ips
        )

    def capacity(self, availability_domain: str, shape: str) -> str:
        """CreateComputeCapacityReport: AVAILABLE, OUT_OF_HOST_CAPACITY, HARDWARE_NOT_SUPPORTED.

        Asked in the root compartment: the only one that the service reports for.
        """
        models = oci.core.models
        details = models.CreateComputeCapacityReportDetails(
            compartment_id=self.tenancy_id,
            availability_domain=availability_domain,
            shape_availabilities=[models.CreateCapacityReportShapeAvailabilityDetails(instance_shape=shape)],
        )
        report = called("CreateComputeCapacityReport", self._compute.create_compute_capacity_report, details)
        return str(report.shape_availabilities[0].availability_status)

    def newest_backup(self, compartment_id: str, volume_id: str) -> datetime | None:
        """ListVolumeBackups: when the volume's newest AVAILABLE backup was made (UTC)."""
        options = {"volume_id": volume_id, "lifecycle_state": "AVAILABLE"}
        backups = listed("ListVolumeBackups", self._storage.list_volume_backups, compartment_id, **options)
        return max((b.time_created for b in backups), default=None)

    def newest_group_backup(self, compartment_id: str, group_id: str) -> datetime | None:
        """ListVolumeGroupBackups: when the group's newest AVAILABLE backup was made (UTC)."""
        backups = listed(
            "ListVolumeGroupBackups",
            self._storage.list_volume_group_backups,
            compartment_id,
            volume_group_id=group_id,
        )
        made = (b.time_created for b in backups if b.lifecycle_state == "AVAILABLE")
        return max(made, default=None)


def retries(give_up_seconds: float) -> Any:
    """The SDK's retry strategy for reads: a busy service is asked again for so long."""
    builder = oci.retry.RetryStrategyBuilder(
        max_attempts_check=True,
        max_attempts=max(2, int(give_up_seconds // 5)),
        total_elapsed_time_check=True,
        total_elapsed_time_seconds=give_up_seconds,
        retry_max_wait_between_calls_seconds=2,
        service_error_check=True,
        service_error_retry_on_any_5xx=False,
        service_error_retry_config={-1: [], 429: [], 500: [], 502: [], 503: [], 504: []},
    )
    return builder.get_retry_strategy()


def listed(operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
    """All pages of one operation of the SDK; raises Unanswered."""
    return pages(_answer, operation, function, *args, **options)


def called(operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What one operation of the SDK answers; raises Unanswered."""
    return _answer(operation, function, *args, **options).data


def _answer(operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return function(*args, **options)
    except oci.exceptions.ServiceError as error:
        message = f"HTTP {error.status} {error.code}: {error.message}"
        raise Unanswered(operation, int(error.status), message) from error
    except (oci.exceptions.RequestException, oci.exceptions.ConnectTimeout) as error:
        raise Unanswered(operation, None, f"no answer: {error}") from error


def _instance(instance: Any) -> InstanceFacts:
    tags = tuple((instance.freeform_tags or {}).items())
    return InstanceFacts(
        instance.id,
        instance.display_name,
        instance.lifecycle_state,
        instance.availability_domain,
        tags,
        instance.compartment_id,
    )
