"""Resource Manager's stacks: a zip with a configuration, its variables, and its state."""

import json
import subprocess
from functools import cache
from pathlib import Path

from lab.api.core.answer import Answer
from lab.api.core.call import Call, Tenancy, listed, tags
from lab.api.core.errors import incorrect_state, invalid, not_found, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.resource_manager import stack_source
from lab.system.paths import RunDirectory, short_name

MODELLED = ("compartmentId", "configSource", "definedTags", "description", "displayName", "freeformTags")
MOST_VARIABLES, LONGEST_VALUE = 250, 8192
SUMMARY = (
    *("id", "compartmentId", "displayName", "description", "timeCreated", "lifecycleState"),
    *("terraformVersion", "freeformTags", "definedTags", "systemTags"),
)
STATE_FILE = "terraform.tfstate"
UNENDED = ("ACCEPTED", "IN_PROGRESS", "CANCELING")


def folder_of(cloud: Tenancy, stack_id: str) -> Path:
    """Where the stack's zips and its state are."""
    return RunDirectory.of(cloud.store.path.parent).stacks / short_name(stack_id)


def unended_job(cloud: Tenancy, stack_id: str) -> StoredResource | None:
    """The stack's job that has not come to its end; there is at most one."""
    jobs = cloud.store.find("ormjob", stackId=stack_id)
    return next((job for job in jobs if job.state in UNENDED), None)


def live_stack(cloud: Tenancy, stack_id: str) -> StoredResource:
    """The stack, or 404 when it is deleted. Raises it as an ApiError."""
    stack = cloud.required("ormstack", stack_id)
    if stack.state != "ACTIVE":
        raise not_found(stack_id)
    return stack


def create_stack(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateStack. Refuses an unknown compartment (404)."""
    call.modelled(*MODELLED, "variables", "terraformVersion")
    cloud.require_compartment(call.text("compartmentId"))
    content, directory = stack_source.checked(call.body.get("configSource") or {})
    ocid = new_ocid("ormstack")
    body = {
        "id": ocid,
        "compartmentId": call.text("compartmentId"),
        "displayName": call.body.get("displayName") or f"ormstack{ocid[-8:]}",
        "description": call.body.get("description"),
        "timeCreated": timestamp(),
        "lifecycleState": "ACTIVE",
        "configSource": {"configSourceType": stack_source.KIND, "workingDirectory": directory},
        "customTerraformProvider": None,
        "isThirdPartyProviderExperienceEnabled": False,
        "variables": _variables(call.body),
        "terraformVersion": _terraform_version(call.body),
        "stackDriftStatus": "NOT_CHECKED",
        "timeDriftLastChecked": None,
        "systemTags": {},
        **tags(call.body),
    }
    name = stack_source.keep(folder_of(cloud, ocid), content)
    return cloud.store.put(StoredResource(ocid, "ormstack", body, {"zip": name}))


def _variables(body: Document) -> dict[str, str]:
    variables = body.get("variables") or {}
    if len(variables) > MOST_VARIABLES:
        raise invalid(f"variables has {len(variables)} entries, more than {MOST_VARIABLES}")
    for name, value in variables.items():
        if not isinstance(value, str):
            raise invalid(f"the variable {name} must be a string, not {type(value).__name__}")
        if len(value.encode()) > LONGEST_VALUE:
            raise invalid(f"the variable {name} has more than {LONGEST_VALUE} bytes")
    return variables


def _terraform_version(body: Document) -> str:
    version = body.get("terraformVersion")
    if version and version != terraform_version():
        raise not_modelled(f"the terraformVersion {version}: this machine has {terraform_version()}")
    return terraform_version()


@cache
def terraform_version() -> str:
    """The version of this machine's Terraform, in Resource Manager's form ("1.5.x")."""
    done = subprocess.run(["terraform", "version", "-json"], capture_output=True, check=True, timeout=30)
    return f"{str(json.loads(done.stdout)['terraform_version']).rpartition('.')[0]}.x"


def get_stack(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("ormstack", call.path["id"])


def list_stacks(cloud: Tenancy, call: Call) -> list[Document]:
    if not call.query.keys() & {"compartmentId", "id"}:
        call.required_query("compartmentId")
    stacks = listed(cloud, call, "ormstack", ("id", "displayName", "lifecycleState"))
    shown = [one for one in stacks if one.state != "DELETED" or call.query.get("lifecycleState")]
    return [{name: one.body.get(name) for name in SUMMARY} for one in shown]


def update_stack(cloud: Tenancy, call: Call) -> StoredResource:
    """What is given replaces what was: variables as a whole too. Refuses a compartment (400)."""
    call.modelled(*MODELLED, "variables", "terraformVersion")
    stack = live_stack(cloud, call.path["id"])
    details = {name: value for name, value in call.body.items() if value is not None}
    if "compartmentId" in details:
        raise invalid("compartmentId is no field of UpdateStackDetails")
    if "variables" in details:
        details["variables"] = _variables(details)
    if "terraformVersion" in details:
        details["terraformVersion"] = _terraform_version(details)
    if source := details.pop("configSource", None):
        content, directory = stack_source.checked(source)
        stack = stack.knowing(zip=stack_source.keep(folder_of(cloud, stack.id), content))
        details["configSource"] = {**stack.body["configSource"], "workingDirectory": directory}
    return cloud.store.put(stack.changed(**details))


def delete_stack(cloud: Tenancy, call: Call) -> None:
    """The stack alone: what it made stays. Refuses while a job of it runs (409)."""
    stack = live_stack(cloud, call.path["id"])
    if job := unended_job(cloud, stack.id):
        raise incorrect_state(f"the stack {stack.id} has the job {job.id}, which is {job.state}")
    cloud.store.put(stack.changed(lifecycleState="DELETED"))


def get_stack_tf_config(cloud: Tenancy, call: Call) -> Answer:
    stack = live_stack(cloud, call.path["id"])
    return file_answer(folder_of(cloud, stack.id) / stack.hidden["zip"], "application/zip")


def get_stack_tf_state(cloud: Tenancy, call: Call) -> Answer:
    stack = live_stack(cloud, call.path["id"])
    return file_answer(folder_of(cloud, stack.id) / STATE_FILE, "application/octet-stream")


def file_answer(file: Path, content_type: str) -> Answer:
    """A file's bytes, or 404 while there is none. Raises it as an ApiError."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise not_found(file.name) from None
    return Answer(200, content, {"content-type": content_type})
