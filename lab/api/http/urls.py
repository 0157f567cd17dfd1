"""What of OCI's API is modelled: method, path, operation name (as in Oracle's reference) and its function."""

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.routing import Map, Rule

from lab.api import identity
from lab.api.compute import (
    attachments,
    boot_volumes,
    consoles,
    images,
    instances,
    launch,
    reservations,
    shapes,
    vnic_attachments,
    volumes,
)
from lab.api.core import work_requests
from lab.api.core.answer import Outcome
from lab.api.core.call import Call, Tenancy
from lab.api.instance_agent import commands
from lab.api.network import dns, network, private_ips
from lab.api.resource_manager import routes
from lab.api.storage import group_backups, policies, volume_groups

VERSION = "/20160918"
Handler = Callable[[Tenancy, Call], Outcome]


@dataclass(frozen=True)
class Operation:
    """One API operation, under Oracle's name for it."""

    name: str
    method: str
    path: str
    handler: Handler
    version: str = VERSION


OPERATIONS = tuple(
    Operation(*row)
    for row in (
        ("LaunchInstance", "POST", "/instances", launch.launch_instance),
        ("GetInstance", "GET", "/instances/<id>", instances.get_instance),
        ("ListInstances", "GET", "/instances", instances.list_instances),
        ("InstanceAction", "POST", "/instances/<id>", instances.instance_action),
        ("UpdateInstance", "PUT", "/instances/<id>", instances.update_instance),
        ("TerminateInstance", "DELETE", "/instances/<id>", instances.terminate_instance),
        ("AttachVolume", "POST", "/volumeAttachments", attachments.attach_volume),
        ("GetVolumeAttachment", "GET", "/volumeAttachments/<id>", attachments.get_volume_attachment),
        ("ListVolumeAttachments", "GET", "/volumeAttachments", attachments.list_volume_attachments),
        ("DetachVolume", "DELETE", "/volumeAttachments/<id>", attachments.detach_volume),
        ("CreateVolume", "POST", "/volumes", volumes.create_volume),
        ("GetVolume", "GET", "/volumes/<id>", volumes.get_volume),
        ("ListVolumes", "GET", "/volumes", volumes.list_volumes),
        ("UpdateVolume", "PUT", "/volumes/<id>", volumes.update_volume),
        ("DeleteVolume", "DELETE", "/volumes/<id>", volumes.delete_volume),
        (
            *("GetVolumeBackupPolicyAssetAssignment", "GET", "/volumeBackupPolicyAssignments"),
            policies.list_assignments,
        ),
        (
            *("CreateVolumeBackupPolicyAssignment", "POST", "/volumeBackupPolicyAssignments"),
            policies.create_assignment,
        ),
        (
            *("DeleteVolumeBackupPolicyAssignment", "DELETE", "/volumeBackupPolicyAssignments/<id>"),
            policies.delete_assignment,
        ),
        ("ListVolumeBackupPolicies", "GET", "/volumeBackupPolicies", policies.list_volume_backup_policies),
        ("CreateVolumeGroup", "POST", "/volumeGroups", volume_groups.create_volume_group),
        ("GetVolumeGroup", "GET", "/volumeGroups/<id>", volume_groups.get_volume_group),
        ("ListVolumeGroups", "GET", "/volumeGroups", volume_groups.list_volume_groups),
        ("UpdateVolumeGroup", "PUT", "/volumeGroups/<id>", volume_groups.update_volume_group),
        ("DeleteVolumeGroup", "DELETE", "/volumeGroups/<id>", volume_groups.delete_volume_group),
        (
            *("CreateVolumeGroupBackup", "POST", "/volumeGroupBackups"),
            group_backups.create_volume_group_backup,
        ),
        (
            *("GetVolumeGroupBackup", "GET", "/volumeGroupBackups/<id>"),
            group_backups.get_volume_group_backup,
        ),
        (
            *("ListVolumeGroupBackups", "GET", "/volumeGroupBackups"),
            group_backups.list_volume_group_backups,
        ),
        (
            *("DeleteVolumeGroupBackup", "DELETE", "/volumeGroupBackups/<id>"),
            group_backups.delete_volume_group_backup,
        ),
        ("GetVolumeBackup", "GET", "/volumeBackups/<id>", group_backups.get_volume_backup),
        ("ListVolumeBackups", "GET", "/volumeBackups", group_backups.list_volume_backups),
        ("CreateBootVolume", "POST", "/bootVolumes", boot_volumes.create_boot_volume),
        ("GetBootVolume", "GET", "/bootVolumes/<id>", boot_volumes.get_boot_volume),
        ("ListBootVolumes", "GET", "/bootVolumes", boot_volumes.list_boot_volumes),
        ("DeleteBootVolume", "DELETE", "/bootVolumes/<id>", boot_volumes.delete_boot_volume),
        (
            *("GetBootVolumeAttachment", "GET", "/bootVolumeAttachments/<id>"),
            boot_volumes.get_boot_volume_attachment,
        ),
        (
            *("ListBootVolumeAttachments", "GET", "/bootVolumeAttachments"),
            boot_volumes.list_boot_volume_attachments,
        ),
        ("CreateImage", "POST", "/images", images.create_image),
        ("GetImage", "GET", "/images/<id>", images.get_image),
        ("ListImages", "GET", "/images", images.list_images),
        ("DeleteImage", "DELETE", "/images/<id>", images.delete_image),
        ("ListShapes", "GET", "/shapes", shapes.list_shapes),
        (
            *("CreateComputeCapacityReport", "POST", "/computeCapacityReports"),
            identity.create_compute_capacity_report,
        ),
        (
            *("CreateComputeCapacityReservation", "POST", "/computeCapacityReservations"),
            reservations.create_compute_capacity_reservation,
        ),
        (
            *("GetComputeCapacityReservation", "GET", "/computeCapacityReservations/<id>"),
            reservations.get_compute_capacity_reservation,
        ),
        ("CaptureConsoleHistory", "POST", "/instanceConsoleHistories", consoles.capture_console_history),
        ("GetConsoleHistory", "GET", "/instanceConsoleHistories/<id>", consoles.get_console_history),
        ("ListConsoleHistories", "GET", "/instanceConsoleHistories", consoles.list_console_histories),
        (
            *("GetConsoleHistoryContent", "GET", "/instanceConsoleHistories/<id>/data"),
            consoles.get_console_history_content,
        ),
        ("DeleteConsoleHistory", "DELETE", "/instanceConsoleHistories/<id>", consoles.delete_console_history),
        ("AttachVnic", "POST", "/vnicAttachments", vnic_attachments.attach_vnic),
        ("DetachVnic", "DELETE", "/vnicAttachments/<id>", vnic_attachments.detach_vnic),
        ("GetVnicAttachment", "GET", "/vnicAttachments/<id>", network.get_vnic_attachment),
        ("ListVnicAttachments", "GET", "/vnicAttachments", network.list_vnic_attachments),
        ("GetVnic", "GET", "/vnics/<id>", network.get_vnic),
        ("UpdateVnic", "PUT", "/vnics/<id>", network.update_vnic),
        ("ListIpv6s", "GET", "/ipv6", network.list_ipv6s),
        ("GetPrivateIp", "GET", "/privateIps/<id>", private_ips.get_private_ip),
        ("ListPrivateIps", "GET", "/privateIps", private_ips.list_private_ips),
        ("CreatePrivateIp", "POST", "/privateIps", private_ips.create_private_ip),
        ("UpdatePrivateIp", "PUT", "/privateIps/<id>", private_ips.update_private_ip),
        ("DeletePrivateIp", "DELETE", "/privateIps/<id>", private_ips.delete_private_ip),
        ("GetVcn", "GET", "/vcns/<id>", network.get_vcn),
        ("ListVcns", "GET", "/vcns", network.list_vcns),
        ("GetSubnet", "GET", "/subnets/<id>", network.get_subnet),
        ("ListSubnets", "GET", "/subnets", network.list_subnets),
        ("GetNetworkSecurityGroup", "GET", "/networkSecurityGroups/<id>", network.get_network_security_group),
        ("ListNetworkSecurityGroups", "GET", "/networkSecurityGroups", network.list_network_security_groups),
        ("ListAvailabilityDomains", "GET", "/availabilityDomains", identity.list_availability_domains),
        ("ListFaultDomains", "GET", "/faultDomains", identity.list_fault_domains),
        ("GetCompartment", "GET", "/compartments/<id>", identity.get_compartment),
        ("ListCompartments", "GET", "/compartments", identity.list_compartments),
        ("GetTenancy", "GET", "/tenancies/<id>", identity.get_tenancy),
        (
            *("ListRegionSubscriptions", "GET", "/tenancies/<id>/regionSubscriptions"),
            identity.list_region_subscriptions,
        ),
        ("GetWorkRequest", "GET", "/workRequests/<id>", work_requests.get_work_request),
        ("ListWorkRequests", "GET", "/workRequests", work_requests.list_work_requests),
        ("ListWorkRequestErrors", "GET", "/workRequests/<id>/errors", work_requests.list_work_request_errors),
    )
) + tuple(
    Operation(*row, version=version)
    for version, rows in (
        (routes.VERSION, routes.OPERATIONS),
        (commands.VERSION, commands.OPERATIONS),
    )
    for row in rows
)

RECORDS = "/zones/<zone>/records/<domain>/<rtype>"
DNS_OPERATIONS = tuple(
    Operation(name, method, path, handler, dns.VERSION)
    for name, method, path, handler in (
        ("CreateView", "POST", "/views", dns.create_view),
        ("CreateZone", "POST", "/zones", dns.create_zone),
        ("GetRRSet", "GET", RECORDS, dns.get_rr_set),
        ("PatchRRSet", "PATCH", RECORDS, dns.patch_rr_set),
        ("UpdateRRSet", "PUT", RECORDS, dns.update_rr_set),
        ("DeleteRRSet", "DELETE", RECORDS, dns.delete_rr_set),
    )
)


def url_map() -> Map:
    """Rules whose endpoint is the Operation; each service has a version of its own in its paths."""
    rules = [
        Rule(one.version + one.path, methods=[one.method], endpoint=one)
        for one in OPERATIONS + DNS_OPERATIONS
    ]
    return Map(rules, strict_slashes=False)
