"""Console histories: the serial console's text at one moment, where a new server's SSH host keys are read."""

from lab.api.core.answer import Answer
from lab.api.core.call import Call, Tenancy, listed_in_compartment, tags
from lab.api.core.errors import incorrect_state, invalid
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, begin
from lab.hardware.hardware import Hardware

KIND = "consolehistory"
LARGEST_BYTES = 2**20


def capture_console_history(cloud: Tenancy, call: Call) -> StoredResource:
    """CaptureConsoleHistory. Refuses an instance that is not RUNNING (409 IncorrectState)."""
    call.modelled("instanceId", "displayName", "freeformTags", "definedTags")
    instance = cloud.required("instance", call.text("instanceId"))
    if instance.state in ("TERMINATING", "TERMINATED"):
        raise incorrect_state(f"instance {instance.id} is {instance.state}")
    ocid = new_ocid(KIND)
    body = {
        "id": ocid,
        "instanceId": instance.id,
        "compartmentId": cloud.world.compartment_id,
        "availabilityDomain": instance.body["availabilityDomain"],
        "displayName": call.body.get("displayName") or f"consolehistory{ocid[-8:]}",
        "lifecycleState": "REQUESTED",
        "timeCreated": timestamp(),
        **tags(call.body),
    }
    # the text of a guest restored from a snapshot that was taken after it had printed
    seeded = instance.hidden.get("console", "")
    history = cloud.store.put(StoredResource(ocid, KIND, body, {"seeded": seeded}))
    begin(cloud, history, "capture_console", "CaptureConsoleHistory")
    return history


def get_console_history(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required(KIND, call.path["id"])


def list_console_histories(cloud: Tenancy, call: Call) -> list[StoredResource]:
    filters = ("availabilityDomain", "instanceId", "lifecycleState")
    return listed_in_compartment(cloud, call, KIND, filters)


def get_console_history_content(cloud: Tenancy, call: Call) -> Answer:
    """GetConsoleHistoryContent. Refuses a capture that has not SUCCEEDED (409 IncorrectState)."""
    history = cloud.required(KIND, call.path["id"])
    if history.state != "SUCCEEDED":
        raise incorrect_state(f"console history {history.id} is {history.state}: wait for SUCCEEDED")
    text = history.hidden["text"].encode()
    start, length = _number(call, "offset", 0), _number(call, "length", 10_240)
    part = text[start : start + length]
    left = {"opc-bytes-remaining": str(len(text) - start - len(part))}
    return Answer(200, part, {"content-type": "text/plain", **left})


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal():
        raise invalid(f"{name} must be a number of bytes, not {text}")
    return int(text)


def delete_console_history(cloud: Tenancy, call: Call) -> None:
    """DeleteConsoleHistory. Refuses a capture that is under way (409 IncorrectState)."""
    history = cloud.required(KIND, call.path["id"])
    if history.state not in ("SUCCEEDED", "FAILED"):
        raise incorrect_state(f"console history {history.id} is {history.state}")
    cloud.store.remove(history.id)


def _capture(hardware: Hardware, job: StateTransition) -> Document:
    text = job.resource.hidden["seeded"] + hardware.console(job.resource.body["instanceId"])
    return {"text": text[-LARGEST_BYTES:]}


def _captured(cloud: Tenancy, history: StoredResource, facts: Document) -> None:
    cloud.store.put(history.changed(lifecycleState="SUCCEEDED").knowing(**facts))


def _failed(cloud: Tenancy, history: StoredResource) -> None:
    cloud.store.put(history.changed(lifecycleState="FAILED"))


CAPTURE = StateChange(_capture, _captured, _failed)
