"""State changes that take time: which there are, how long each takes, and how one is begun."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.api.core.call import Tenancy
from lab.api.core.errors import incorrect_state
from lab.api.core.store import Document, StoredResource
from lab.api.core.work_requests import open_work_request
from lab.hardware.hardware import Hardware

# Seconds on OCI, roughly (bare metal for instances); scaled by the world's delay_factor. The hardware acts
# when the time is over: the worst case for anybody who does not wait for the state.
BASE_SECONDS = {
    "start_job": 8.0,
    "launch": 240.0,
    "start": 240.0,
    "stop": 30.0,
    "soft_stop": 30.0,
    "reset": 30.0,
    "soft_reset": 30.0,
    "terminate": 60.0,
    "capture_image": 300.0,
    "delete_image": 5.0,
    "attach": 27.0,
    "detach": 15.0,
    "attach_vnic": 15.0,
    "detach_vnic": 10.0,
    "create_volume": 10.0,
    "grow_volume": 10.0,
    "delete_volume": 10.0,
    "create_group": 10.0,
    "clone_group": 30.0,
    "delete_group": 5.0,
    "back_up_group": 60.0,
    "delete_group_backup": 10.0,
    "clone_boot_volume": 30.0,
    "delete_boot_volume": 10.0,
    "capture_console": 5.0,
    "deliver_agent_command": 10.0,  # how often an agent asks is written nowhere
    "run_agent_command": 0.0,
}
SOFT_STOP_SECONDS = 900.0  # SOFTSTOP waits 15 minutes for the operating system
SHORTEST_SOFT_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class StateTransition:
    """One state change being carried out. `again`: an earlier attempt was cut off and may be half done."""

    cloud: Tenancy
    resource: StoredResource
    again: bool


@dataclass(frozen=True)
class StateChange:
    """How one kind of state change is done.

    `act` works on the hardware, outside of any transaction, raises HardwareError, and is safe to repeat.
    `finish` stores what came of it; `refused` what is true when the hardware would not.
    """

    act: Callable[[Hardware, StateTransition], Document]
    finish: Callable[[Tenancy, StoredResource, Document], None]
    refused: Callable[[Tenancy, StoredResource], None]


def begin(cloud: Tenancy, resource: StoredResource, step: str, operation: str) -> str:
    """Put a state change of a resource on the list, once at a time; the id of its work request."""
    work_request_id = open_work_request(cloud, resource, operation)
    schedule(cloud, resource, step, work_request_id)
    return work_request_id


def schedule(cloud: Tenancy, resource: StoredResource, step: str, work_request_id: str | None = None) -> None:
    """As `begin`, for a change that OCI makes no work request for.

    Raises 409 IncorrectState while another change is under way.
    """
    if cloud.store.execute("SELECT 1 FROM transitions WHERE resource_id = ?", resource.id):
        raise incorrect_state(f"{resource.id} is being changed already (state {resource.state})")
    seconds = BASE_SECONDS[step] * cloud.world.delay_factor
    due = None if cloud.fault and cloud.fault.stuck else time.time() + seconds
    refusal = cloud.fault.refusal if cloud.fault else ""
    cloud.store.execute(
        "INSERT INTO transitions (resource_id, step, due, work_request_id, refusal) VALUES (?, ?, ?, ?, ?)",
        *(resource.id, step, due, work_request_id, refusal),
    )
    cloud.wake()


def release_stuck(cloud: Tenancy) -> int:
    """Let state changes that an injected fault holds go on; how many."""
    with cloud.store.transaction():
        held = len(cloud.store.execute("SELECT 1 FROM transitions WHERE due IS NULL"))
        cloud.store.execute("UPDATE transitions SET due = ? WHERE due IS NULL", time.time())
    cloud.wake()
    return held
