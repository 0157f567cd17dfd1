"""Which policy statement lets a caller do which call of the API.

Source: Oracle, "Details for the Core Services": verbs and resource types, permissions for each operation,
https://docs.oracle.com/en-us/iaas/Content/Identity/Reference/corepolicyreference.htm
"""

from __future__ import annotations

from collections.abc import Mapping

TENANCY = "tenancy"

# What the run needs on the resource: GetImage alone would do with `inspect`, but the launch reads the image;
# GetSubnet likewise, but the launch uses the subnet.
READS: Mapping[str, tuple[str, ...]] = {
    "GetInstance": ("read instances",),
    "ListInstances": ("read instances",),
    "ListVolumeAttachments": (
        "inspect volume-attachments",
        "inspect volumes",
        "inspect instances",
    ),
    "GetVolume": ("inspect volumes",),
    "GetImage": ("read instance-images",),
    "GetSubnet": ("use subnets",),
    "GetRRSet": ("read dns-records",),
    "GetVolumeAttachment": ("inspect volume-attachments",),
    "GetVnicAttachment": ("inspect vnic-attachments",),
    "ListVnicAttachments": ("inspect vnic-attachments", "inspect instances"),
    "GetVnic": ("read vnics",),  # `clients --tag` alone
    "GetPrivateIp": ("read private-ips",),
    "ListPrivateIps": ("inspect private-ips",),
    "CreateComputeCapacityReport": ("manage compute-capacity-reports",),
    "ListVolumeBackups": ("inspect volume-backups", "inspect volumes"),
    "ListVolumeGroupBackups": ("inspect volume-group-backups",),
}

# There is no dry run for these: whether they are allowed shows when they are done.
ACTS: Mapping[str, tuple[str, ...]] = {
    "LaunchInstance": (
        "manage instances",
        "read instance-images",
        "use vnics",
        "use subnets",
        "use network-security-groups",
    ),
    "InstanceAction": ("use instances",),
    "AttachVolume": ("manage volume-attachments", "use volumes", "use instances"),
    "DetachVolume": ("manage volume-attachments", "use volumes", "use instances"),
    "CaptureConsoleHistory": ("manage console-histories", "read instances", "read instance-images"),
    "DeleteConsoleHistory": ("manage console-histories",),
}
_TENANCY_WIDE = ("manage compute-capacity-reports",)


def statements(operation: str, compartment_id: str) -> tuple[str, ...]:
    """The policy statements for the operation, with the group's name left open; KeyError if unlisted."""
    needed = READS[operation] if operation in READS else ACTS[operation]
    return tuple(_statement(n, compartment_id) for n in needed)


def remedy(operation: str, status: int | None, compartment_id: str) -> str:
    """What to do about a call that was answered with this HTTP status (None: there was no answer)."""
    if status is None:
        return "check the network and the endpoint; nothing is concluded from silence"
    if status == 401:
        return "check the API key, its fingerprint and this machine's clock"
    if status in (403, 404):
        needed = "; ".join(statements(operation, compartment_id))
        return f"check that the OCID is right and still exists; if it is, a policy is missing: {needed}"
    if status == 429:
        return "the service is throttling: try again in a minute"
    return "look at the service's status, then try again"


def untested(operations: tuple[str, ...], compartment_id: str) -> tuple[str, ...]:
    """A line for each acting call of a run, with the statements that it takes."""
    return tuple(f"{o}: {'; '.join(statements(o, compartment_id))}" for o in operations)


def _statement(needed: str, compartment_id: str) -> str:
    where = TENANCY if needed in _TENANCY_WIDE else f"compartment id {compartment_id}"
    return f"allow group <group> to {needed} in {where}"
