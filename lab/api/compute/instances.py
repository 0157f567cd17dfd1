"""Instances after launch: read, update, power actions, terminate."""

from collections.abc import Callable

from lab.api.compute.attachments import live_attachments_of
from lab.api.compute.instance_record import agent_config, machine_of
from lab.api.compute.instance_states import settle_attachments, terminated
from lab.api.compute.metadata_limit import check_metadata
from lab.api.compute.reservations import check_reservation
from lab.api.compute.shapes import shape_config
from lab.api.core.answer import Accepted
from lab.api.core.call import Call, Tenancy, listed_in_compartment
from lab.api.core.errors import incorrect_state, invalid, not_modelled
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import (
    SHORTEST_SOFT_STOP_SECONDS,
    SOFT_STOP_SECONDS,
    StateChange,
    StateTransition,
    begin,
)
from lab.api.core.work_requests import close_work_request, open_work_request
from lab.hardware.hardware import Hardware

# action: (state it needs, state it passes through, step)
ACTIONS = {
    "START": ("STOPPED", "STARTING", "start"),
    "STOP": ("RUNNING", "STOPPING", "stop"),
    "SOFTSTOP": ("RUNNING", "STOPPING", "soft_stop"),
    "RESET": ("RUNNING", "STARTING", "reset"),
    "SOFTRESET": ("RUNNING", "STARTING", "soft_reset"),
}
PLAIN_UPDATES = (
    *("displayName", "freeformTags", "definedTags", "metadata", "extendedMetadata"),
    *("agentConfig", "instanceOptions"),
)
# What an update answers with a work request for, even when it changes nothing.
REBUILDING_UPDATES = ("faultDomain", "shape", "shapeConfig", "capacityReservationId")
FIXED_METADATA = ("ssh_authorized_keys", "user_data")


def get_instance(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("instance", call.path["id"])


def list_instances(cloud: Tenancy, call: Call) -> list[StoredResource]:
    filters = ("displayName", "lifecycleState", "availabilityDomain")
    return listed_in_compartment(cloud, call, "instance", filters)


def instance_action(cloud: Tenancy, call: Call) -> Accepted:
    """InstanceAction. Refuses an action that the state does not take (409); 501 for an unknown one."""
    instance = cloud.required("instance", call.path["id"])
    action = call.required_query("action")
    if action not in ACTIONS:
        raise not_modelled(f"the instance action {action}")
    needed, passing, step = ACTIONS[action]
    if instance.state != needed:
        raise incorrect_state(f"{action} needs instance {instance.id} {needed}; it is {instance.state}")
    changed = cloud.store.put(instance.changed(lifecycleState=passing))
    return Accepted(changed, begin(cloud, changed, step, "InstanceAction"))


def update_instance(cloud: Tenancy, call: Call) -> StoredResource | Accepted:
    instance = cloud.required("instance", call.path["id"])
    call.modelled(*PLAIN_UPDATES, *REBUILDING_UPDATES)
    details: Document = {name: value for name, value in call.body.items() if value is not None}
    _check_update(cloud, instance, details)
    if "shape" in details or "shapeConfig" in details:
        shape = str(details.get("shape") or instance.body["shape"])
        details["shapeConfig"] = shape_config(shape, details.get("shapeConfig"))
    if "agentConfig" in details:
        details["agentConfig"] = agent_config({**instance.body["agentConfig"], **details["agentConfig"]})
    if "instanceOptions" in details:
        details["instanceOptions"] = {**instance.body["instanceOptions"], **details["instanceOptions"]}
    changed = cloud.store.put(instance.changed(**details))
    if not set(REBUILDING_UPDATES) & set(details):
        return changed
    return Accepted(changed, _done_at_once(cloud, changed))


def _check_update(cloud: Tenancy, instance: StoredResource, details: Document) -> None:
    if instance.state in ("TERMINATING", "TERMINATED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}: it cannot be updated")
    if "metadata" in details:
        for key in FIXED_METADATA:
            if details["metadata"].get(key) != instance.body["metadata"].get(key):
                raise invalid(f"metadata.{key} cannot be changed after launch")
    reservation = details.get("capacityReservationId")
    if reservation != instance.body["capacityReservationId"]:
        shape = str(details.get("shape") or instance.body["shape"])
        check_reservation(cloud, reservation, shape, instance.body["availabilityDomain"])
    both = {**instance.body, **details}
    check_metadata(both["metadata"], both["extendedMetadata"])


def _done_at_once(cloud: Tenancy, instance: StoredResource) -> str:
    work_request_id = open_work_request(cloud, instance, "UpdateInstance")
    close_work_request(cloud, work_request_id)
    return work_request_id


def terminate_instance(cloud: Tenancy, call: Call) -> Accepted:
    """TerminateInstance. Refuses while the instance or an attachment of it changes (409 IncorrectState)."""
    instance = cloud.required("instance", call.path["id"])
    if instance.state not in ("RUNNING", "STOPPED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}: it cannot be terminated now")
    moving = [one for one in live_attachments_of(cloud, instanceId=instance.id) if one.state != "ATTACHED"]
    if moving:
        raise incorrect_state(f"volume attachment {moving[0].id} of {instance.id} is {moving[0].state}")
    preserve = call.query.get("preserveBootVolume", "false").lower() == "true"
    changed = cloud.store.put(
        instance.changed(lifecycleState="TERMINATING").knowing(preserve_boot_volume=preserve)
    )
    settle_attachments(cloud, instance.id, "DETACHING")
    for attachment in live_attachments_of(cloud, instanceId=instance.id):
        cloud.store.put(attachment.changed(lifecycleState="DETACHING"))
    return Accepted(None, begin(cloud, changed, "terminate", "TerminateInstance"))


def _start(hardware: Hardware, job: StateTransition) -> Document:
    hardware.power_on(machine_of(job.resource))
    return {}


def _stop(hardware: Hardware, job: StateTransition) -> Document:
    hardware.power_off(job.resource.id)
    return {}


def _soft_stop(hardware: Hardware, job: StateTransition) -> Document:
    scaled = SOFT_STOP_SECONDS * job.cloud.world.delay_factor
    hardware.shut_down(job.resource.id, max(scaled, SHORTEST_SOFT_STOP_SECONDS))
    return {}


def _reset(hardware: Hardware, job: StateTransition) -> Document:
    return _stop(hardware, job) | _start(hardware, job)


def _soft_reset(hardware: Hardware, job: StateTransition) -> Document:
    return _soft_stop(hardware, job) | _start(hardware, job)


def _terminate(hardware: Hardware, job: StateTransition) -> Document:
    hardware.power_off(job.resource.id)
    for attachment in live_attachments_of(job.cloud, instanceId=job.resource.id):
        hardware.detach(attachment.body["volumeId"], job.resource.id)
    if not job.resource.hidden.get("preserve_boot_volume"):
        hardware.delete_disk(job.resource.id)
        hardware.delete_image(job.resource.body["sourceDetails"].get("bootVolumeId") or job.resource.id)
    return {}


def _terminated(cloud: Tenancy, instance: StoredResource, facts: Document) -> None:
    for attachment in live_attachments_of(cloud, instanceId=instance.id):
        cloud.store.put(attachment.changed(lifecycleState="DETACHED"))
    terminated(cloud, instance)


def _becomes(state: str) -> Callable[[Tenancy, StoredResource, Document], None]:
    return lambda cloud, instance, facts: _stays(state)(cloud, instance)


def _stays(state: str) -> Callable[[Tenancy, StoredResource], None]:
    def store(cloud: Tenancy, instance: StoredResource) -> None:
        cloud.store.put(instance.changed(lifecycleState=state))

    return store


def _not_terminated(cloud: Tenancy, instance: StoredResource) -> None:
    settle_attachments(cloud, instance.id, "ATTACHED")
    for attachment in live_attachments_of(cloud, instanceId=instance.id):
        cloud.store.put(attachment.changed(lifecycleState="ATTACHED"))
    cloud.store.put(instance.changed(lifecycleState="STOPPED"))


START = StateChange(_start, _becomes("RUNNING"), _stays("STOPPED"))
STOP = StateChange(_stop, _becomes("STOPPED"), _stays("RUNNING"))
SOFT_STOP = StateChange(_soft_stop, _becomes("STOPPED"), _stays("RUNNING"))
RESET = StateChange(_reset, _becomes("RUNNING"), _stays("STOPPED"))
SOFT_RESET = StateChange(_soft_reset, _becomes("RUNNING"), _stays("STOPPED"))
TERMINATE = StateChange(_terminate, _terminated, _not_terminated)
