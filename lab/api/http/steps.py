"""Every state change by its name in the store."""

from lab.api.compute import (
    attachments,
    boot_volumes,
    consoles,
    images,
    instances,
    launch,
    vnic_attachments,
    volumes,
)
from lab.api.core.transition import StateChange
from lab.api.instance_agent import commands
from lab.api.resource_manager import job_runs
from lab.api.storage import group_backups, volume_groups

STEPS: dict[str, StateChange] = {
    "launch": launch.LAUNCH,
    "start": instances.START,
    "stop": instances.STOP,
    "soft_stop": instances.SOFT_STOP,
    "reset": instances.RESET,
    "soft_reset": instances.SOFT_RESET,
    "terminate": instances.TERMINATE,
    "attach": attachments.ATTACH,
    "detach": attachments.DETACH,
    "attach_vnic": vnic_attachments.ATTACH,
    "detach_vnic": vnic_attachments.DETACH,
    "create_volume": volumes.CREATE,
    "grow_volume": volumes.GROW,
    "delete_volume": volumes.DELETE,
    "create_group": volume_groups.CREATE,
    "clone_group": volume_groups.CLONE,
    "delete_group": volume_groups.DELETE,
    "back_up_group": group_backups.CREATE,
    "delete_group_backup": group_backups.DELETE,
    "delete_boot_volume": boot_volumes.DELETE,
    "capture_image": images.CAPTURE,
    "clone_boot_volume": boot_volumes.CLONE,
    "delete_image": images.DELETE,
    "capture_console": consoles.CAPTURE,
    "deliver_agent_command": commands.DELIVER,
    "run_agent_command": commands.RUN,
    "start_job": job_runs.START,
}
