"""Which calls of the API each verb makes, and the least statements for them: docs/before.md is held to it.

Source: as failover/preflight/policies.py. A statement is "VERB RESOURCE-TYPE", as it stands after
`allow group <group> to`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from failover.hosts.run_command.policies import CALLS
from failover.preflight.policies import ACTS, READS

# calls that preflight and failover do not make
OTHERS: Mapping[str, tuple[str, ...]] = {
    "CreateVolumeGroup": ("manage volume-groups", "manage volumes"),
    "GetVolumeGroup": ("inspect volume-groups",),
    "ListVolumeGroups": ("inspect volume-groups",),
    "DeleteVolumeGroup": ("manage volume-groups",),
    "ListVolumes": ("inspect volumes",),
    "UpdateVolume": ("use volumes",),
    "DeleteVolume": ("manage volumes",),
    "TerminateInstance": ("manage instances", "manage volume-attachments", "use volumes"),
    "GetVnic": ("inspect vnics",),
    "ListBootVolumeAttachments": ("inspect volume-attachments", "inspect instances"),
    "GetBootVolume": ("inspect volumes",),
    "ListBootVolumes": ("inspect volumes",),
    "CreateBootVolume": ("manage volumes",),
    "DeleteBootVolume": ("manage volumes",),
    "CreateImage": ("manage instance-images", "use instances"),
    "ListImages": ("inspect instance-images",),
    "DeleteImage": ("manage instance-images",),
    "GetConsoleHistory": ("manage console-histories",),
    "GetConsoleHistoryContent": ("manage console-histories",),
    "CreateVolumeGroupBackup": (
        *("manage volume-group-backups", "manage volume-backups", "use volumes"),
        "inspect volume-groups",
    ),
    "GetVolumeGroupBackup": ("inspect volume-group-backups",),
    # the call alone would do with `inspect`, but a restore reads the backups' data (VOLUME_BACKUP_READ)
    "GetVolumeBackup": ("read volume-backups",),
    "ListVolumeBackupPolicies": ("inspect backup-policies",),
    "GetVolumeBackupPolicyAssetAssignment": ("inspect backup-policy-assignments",),
    "CreateVolumeBackupPolicyAssignment": (
        *("manage backup-policy-assignments", "use volumes", "inspect volume-groups"),
    ),
    "DeleteVolumeBackupPolicyAssignment": ("manage backup-policy-assignments",),
}
OPERATIONS: Mapping[str, tuple[str, ...]] = {**CALLS, **READS, **ACTS, **OTHERS}

# a test holds each set to the calls that the verb is seen to make
VERBS: Mapping[str, frozenset[str]] = {
    "image": frozenset(
        {
            *("GetInstance", "ListInstances", "LaunchInstance", "InstanceAction", "TerminateInstance"),
            *("ListBootVolumeAttachments", "GetBootVolume", "ListBootVolumes"),
            *("CreateBootVolume", "DeleteBootVolume", "ListVolumeAttachments"),
            *("ListVnicAttachments", "GetVnic"),
            *("CreateImage", "GetImage", "ListImages", "DeleteImage"),
            *("CaptureConsoleHistory", "GetConsoleHistory", "GetConsoleHistoryContent"),
            "DeleteConsoleHistory",
        }
    ),
    "rehearse": frozenset(
        {
            *("GetInstance", "ListInstances", "LaunchInstance", "TerminateInstance"),
            *("GetVolume", "ListVolumes", "UpdateVolume", "DeleteVolume"),
            *("CreateVolumeGroup", "GetVolumeGroup", "ListVolumeGroups", "DeleteVolumeGroup"),
            *("AttachVolume", "DetachVolume", "GetVolumeAttachment", "ListVolumeAttachments"),
            *("ListVnicAttachments", "GetVnic", "ListBootVolumeAttachments", "GetBootVolume"),
            *("GetImage", "CreateComputeCapacityReport"),
            *("CaptureConsoleHistory", "GetConsoleHistory", "GetConsoleHistoryContent"),
            "DeleteConsoleHistory",
        }
    ),
    "backup": frozenset(
        {
            *("GetVolume", "CreateVolumeGroup", "GetVolumeGroup"),
            *("CreateVolumeGroupBackup", "GetVolumeGroupBackup", "ListVolumeGroupBackups"),
            *("ListVolumeBackupPolicies", "GetVolumeBackupPolicyAssetAssignment"),
            *("CreateVolumeBackupPolicyAssignment", "DeleteVolumeBackupPolicyAssignment"),
        }
    ),
    "backup-restore": frozenset(
        {
            *("GetVolume", "UpdateVolume", "CreateVolumeGroup", "GetVolumeGroup", "ListVolumeGroups"),
            *("GetVolumeGroupBackup", "ListVolumeGroupBackups", "GetVolumeBackup"),
        }
    ),
    "clients-by-run-command": frozenset(CALLS),
}
_RISING = ("inspect", "read", "use", "manage")
_PLACES = {"compute-capacity-reports": "tenancy"}  # reports are made in the root compartment


def least(verb: str) -> tuple[str, ...]:
    """The statements for all calls of a verb of `./inv`, one for each resource type. KeyError if unlisted."""
    return least_of(VERBS[verb])


def least_of(operations: Iterable[str]) -> tuple[str, ...]:
    """One statement for each resource type: the strongest that any of the operations needs, by type."""
    strongest: dict[str, str] = {}
    for operation in operations:
        for needed in OPERATIONS[operation]:
            how, what = needed.split(" ", 1)
            strongest[what] = max(strongest.get(what, how), how, key=_RISING.index)
    return tuple(
        f"allow group <group> to {how} {what} in {_PLACES.get(what, 'compartment <compartment>')}"
        for what, how in sorted(strongest.items())
    )
