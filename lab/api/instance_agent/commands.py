"""Commands for the Compute Instance Agent: a text of 4,096 bytes, an answer of 1,024, two at a time.

The lab is the agent: it runs the text over its own door into the guest (lab/hardware), as the image's login.
"""

import hashlib

from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import invalid, limit_exceeded, missing, not_found, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition, schedule
from lab.hardware.hardware import Hardware, HardwareError

VERSION = "/20180530"
KIND = "instanceagentcommand"
PLUGIN = "Compute Instance Run Command"
LARGEST_TEXT, LARGEST_OUTPUT = 4096, 1024
IN_FLIGHT, AT_ONCE = 5, 2
_DEFAULT_SECONDS, _LONGEST_SECONDS = 3600, 86_400
_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELED")


def create_command(cloud: Tenancy, call: Call) -> Document:
    """CreateInstanceAgentCommand.

    Raises 404 for an unknown compartment or instance; 400 for no instance, a text that is too long, another
    one's SHA-256, seconds out of range and a sixth command; 501 for a source or an output in Object Storage.
    """
    call.modelled("compartmentId", "displayName", "executionTimeOutInSeconds", "target", "content")
    compartment = call.text("compartmentId")
    cloud.require_compartment(compartment)
    target = call.body.get("target") or {}
    if not target.get("instanceId"):
        raise missing("target.instanceId")
    instance = cloud.required("instance", str(target["instanceId"]))
    content = call.body.get("content") or {}
    source, output = content.get("source") or {}, content.get("output") or {"outputType": "TEXT"}
    if source.get("sourceType") != "TEXT" or output.get("outputType") != "TEXT":
        raise not_modelled("a source or an output in Object Storage")
    _check_text(source)
    seconds = call.body.get("executionTimeOutInSeconds")
    seconds = _DEFAULT_SECONDS if seconds is None else seconds
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise invalid(f"executionTimeOutInSeconds must be from 1 to {_LONGEST_SECONDS}")
    in_flight = [one for one in _of(cloud, instance.id) if _is_open(one)]
    if len(in_flight) >= IN_FLIGHT:
        raise limit_exceeded(f"instance {instance.id} has {IN_FLIGHT} commands that have not ended")
    ocid, now = new_ocid(KIND), timestamp()
    body = {
        "id": ocid,
        "compartmentId": compartment,
        "displayName": call.body.get("displayName") or ocid[-8:],
        "timeCreated": now,
        "timeUpdated": now,
        "isCanceled": False,
        "executionTimeOutInSeconds": seconds,
        "target": {"instanceId": instance.id},
        "content": {"source": source, "output": output},
    }
    hidden = {"delivery": "PENDING", "state": "ACCEPTED", "content": None}
    command = cloud.store.put(StoredResource(ocid, KIND, body, hidden))
    schedule(cloud, command, "deliver_agent_command")
    return command.body


def _check_text(source: Document) -> None:
    text = str(source.get("text") or "").encode()
    if not 0 < len(text) <= LARGEST_TEXT:
        raise invalid(f"content.source.text has {len(text)} bytes, at most {LARGEST_TEXT} are taken")
    if source.get("textSha256") not in (None, hashlib.sha256(text).hexdigest()):
        raise invalid("content.source.textSha256 is another text's")


def _of(cloud: Tenancy, instance_id: str) -> list[StoredResource]:
    return [one for one in cloud.store.find(KIND) if one.body["target"]["instanceId"] == instance_id]


def _is_open(command: StoredResource) -> bool:
    return command.hidden["state"] not in _ENDED and command.hidden["delivery"] != "EXPIRED"


def get_command(cloud: Tenancy, call: Call) -> Document:
    """GetInstanceAgentCommand."""
    return cloud.required(KIND, call.path["id"]).body


def list_commands(cloud: Tenancy, call: Call) -> list[Document]:
    """ListInstanceAgentCommands: summaries, the newest first."""
    call.required_query("compartmentId")
    commands = cloud.store.find(KIND, compartmentId=call.query["compartmentId"])
    keys = ("displayName", "compartmentId", "timeCreated", "timeUpdated", "isCanceled")
    return [
        {"instanceAgentCommandId": one.id, **{key: one.body[key] for key in keys}}
        for one in _newest_first(commands)
    ]


def get_execution(cloud: Tenancy, call: Call) -> Document:
    """GetInstanceAgentCommandExecution. Raises the API's 404 for an instance that the command is not for."""
    command = cloud.required(KIND, call.path["id"])
    if call.required_query("instanceId") != command.body["target"]["instanceId"]:
        raise not_found(call.query["instanceId"])
    return _execution(command)


def list_executions(cloud: Tenancy, call: Call) -> list[Document]:
    """ListInstanceAgentCommandExecutions of one instance, the newest first."""
    call.required_query("compartmentId")
    return [_execution(one) for one in _newest_first(_of(cloud, call.required_query("instanceId")))]


def _newest_first(commands: list[StoredResource]) -> list[StoredResource]:
    return commands[::-1]  # the store has them oldest first


def _execution(command: StoredResource) -> Document:
    return {
        "instanceAgentCommandId": command.id,
        "instanceId": command.body["target"]["instanceId"],
        "deliveryState": command.hidden["delivery"],
        "lifecycleState": command.hidden["state"],
        "timeCreated": command.body["timeCreated"],
        "timeUpdated": command.body["timeUpdated"],
        "sequenceNumber": 1,
        "displayName": command.body["displayName"],
        "content": command.hidden["content"],
    }


def cancel_command(cloud: Tenancy, call: Call) -> None:
    """CancelInstanceAgentCommand: one not delivered is never run; one that runs may come to its end."""
    command = cloud.required(KIND, call.path["id"])
    canceled = command.changed(isCanceled=True, timeUpdated=timestamp())
    if command.hidden["state"] == "ACCEPTED":
        canceled = canceled.knowing(state="CANCELED", delivery="ACKED_CANCELED")
    cloud.store.put(canceled)


def list_plugins(cloud: Tenancy, call: Call) -> list[Document]:
    """ListInstanceAgentPlugins: the plugin for commands alone."""
    call.required_query("compartmentId")
    instance = cloud.required("instance", call.path["id"])
    status = "RUNNING" if _takes_commands(instance) else "STOPPED"
    plugin = {"name": PLUGIN, "status": status, "timeLastUpdatedUtc": timestamp()}
    return [plugin] if call.query.get("name") in (None, PLUGIN) else []


def _takes_commands(instance: StoredResource) -> bool:
    config = instance.body["agentConfig"]
    wanted = {one["name"]: one["desiredState"] for one in config["pluginsConfig"]}
    is_enabled = wanted.get(PLUGIN, "ENABLED") == "ENABLED" and not config["areAllPluginsDisabled"]
    return is_enabled and instance.state == "RUNNING"


def _deliver(hardware: Hardware, job: StateTransition) -> Document:
    """The agent asks for its commands. Raises HardwareError where there is no agent that would ask."""
    instance_id = job.resource.body["target"]["instanceId"]
    instance = job.cloud.required("instance", instance_id)
    if not (_takes_commands(instance) and hardware.is_on(instance_id)):
        raise HardwareError(f"no agent on instance {instance_id} asks for commands")
    return {}


def _delivered(cloud: Tenancy, command: StoredResource, _: Document) -> None:
    """Two run at the same time; the others are kept until one has ended."""
    if command.hidden["state"] == "ACCEPTED":
        cloud.store.put(command.knowing(delivery="VISIBLE"))
        _run_next(cloud, command.body["target"]["instanceId"])


def _run_next(cloud: Tenancy, instance_id: str) -> None:
    commands = _of(cloud, instance_id)
    running = [one for one in commands if one.hidden["state"] == "IN_PROGRESS"]
    waiting = [
        one for one in commands if (one.hidden["state"], one.hidden["delivery"]) == ("ACCEPTED", "VISIBLE")
    ]
    for command in waiting[: AT_ONCE - len(running)]:
        begun = command.changed(timeUpdated=timestamp()).knowing(delivery="ACKED", state="IN_PROGRESS")
        schedule(cloud, cloud.store.put(begun), "run_agent_command")


def _run(hardware: Hardware, job: StateTransition) -> Document:
    body = job.resource.body
    text, seconds = body["content"]["source"]["text"], body["executionTimeOutInSeconds"]
    code, out = hardware.run_script(body["target"]["instanceId"], text, seconds)
    return {"code": code, "out": out.encode()[-LARGEST_OUTPUT:].decode(errors="ignore")}


def _ran(cloud: Tenancy, command: StoredResource, facts: Document) -> None:
    code, out = facts["code"], facts["out"]
    content = {
        "outputType": "TEXT",
        "exitCode": code,
        "message": "",
        "text": out,
        "textSha256": hashlib.sha256(out.encode()).hexdigest(),
    }
    state = "TIMED_OUT" if code is None else "FAILED" if code else "SUCCEEDED"
    state = "CANCELED" if command.body["isCanceled"] else state
    ended = command.changed(timeUpdated=timestamp()).knowing(
        state=state, content=None if state in ("TIMED_OUT", "CANCELED") else content
    )
    cloud.store.put(ended)
    _run_next(cloud, command.body["target"]["instanceId"])


def _expired(cloud: Tenancy, command: StoredResource) -> None:
    """No agent took it."""
    if command.hidden["state"] == "ACCEPTED":
        cloud.store.put(command.changed(timeUpdated=timestamp()).knowing(delivery="EXPIRED"))


def _failed(cloud: Tenancy, command: StoredResource) -> None:
    """The machine went away under it."""
    cloud.store.put(command.changed(timeUpdated=timestamp()).knowing(state="TIMED_OUT"))
    _run_next(cloud, command.body["target"]["instanceId"])


DELIVER = StateChange(_deliver, _delivered, _expired)
RUN = StateChange(_run, _ran, _failed)

_COMMAND = "/instanceAgentCommands/<id>"
OPERATIONS = (
    ("CreateInstanceAgentCommand", "POST", "/instanceAgentCommands", create_command),
    ("GetInstanceAgentCommand", "GET", _COMMAND, get_command),
    ("ListInstanceAgentCommands", "GET", "/instanceAgentCommands", list_commands),
    ("CancelInstanceAgentCommand", "DELETE", _COMMAND, cancel_command),
    ("GetInstanceAgentCommandExecution", "GET", f"{_COMMAND}/status", get_execution),
    ("ListInstanceAgentCommandExecutions", "GET", "/instanceAgentCommandExecutions", list_executions),
    ("ListInstanceAgentPlugins", "GET", "/instanceagents/<id>/plugins", list_plugins),
)
