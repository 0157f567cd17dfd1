"""What a job's run is told (job_process.py): operation, files, variables. What no run can do is refused."""

import base64
import binascii
import json

from lab.api.core.call import Tenancy
from lab.api.core.errors import invalid, not_modelled
from lab.api.core.store import Document, StoredResource
from lab.api.resource_manager import stacks
from lab.api.resource_manager.job_process import IMPORTED, ORDER, Order
from lab.api.resource_manager.job_runs import folder_of

OPERATIONS = ("PLAN", "APPLY", "IMPORT_TF_STATE")
_DETAILS = {"operation", "executionPlanStrategy", "executionPlanJobId", "terraformAdvancedOptions"}


def write_order(cloud: Tenancy, job: StoredResource, details: Document) -> None:
    """Make the job's folder, with the order in it."""
    _check_modelled(job, details)
    folder = folder_of(cloud, job.id)
    folder.mkdir(parents=True)
    if job.body["operation"] == "IMPORT_TF_STATE":
        (folder / IMPORTED).write_bytes(_imported_state(details))
    resolved = job.body["resolvedPlanJobId"]
    order = Order(
        operation=job.body["operation"],
        zip=str(stacks.folder_of(cloud, job.body["stackId"]) / job.hidden["zip"]),
        working_directory=job.body["workingDirectory"],
        state=str(stacks.folder_of(cloud, job.body["stackId"]) / stacks.STATE_FILE),
        plan=str(folder_of(cloud, resolved)) if resolved else "",
        refresh=(details.get("terraformAdvancedOptions") or {}).get("isRefreshRequired") is not False,
        variables={**filled_in(cloud), **job.body["variables"]},
    )
    (folder / ORDER).touch(mode=0o600)  # a variable may be a secret
    (folder / ORDER).write_text(json.dumps(vars(order)))


def _check_modelled(job: StoredResource, details: Document) -> None:
    options = details.get("terraformAdvancedOptions") or {}
    extra = {k for k, v in details.items() if v and k not in {*_DETAILS, "tfStateBase64Encoded"}}
    extra |= {k for k, v in options.items() if v is not None and k != "isRefreshRequired"}
    if extra:
        raise not_modelled(f"the job's {sorted(extra)[0]}")
    if job.body["operation"] not in OPERATIONS:
        raise not_modelled(f"jobs of the operation {job.body['operation']}")


def _imported_state(details: Document) -> bytes:
    try:
        content = base64.b64decode(details.get("tfStateBase64Encoded") or "", validate=True)
        state = json.loads(content)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"tfStateBase64Encoded is not a state: {error}") from None
    if not isinstance(state, dict) or state.get("version") != 4:
        raise invalid("tfStateBase64Encoded is not a state of version 4")
    return content


def filled_in(cloud: Tenancy) -> dict[str, str]:
    """The variables that every job has, unless the stack gives them."""
    world = cloud.world
    return {
        "tenancy_ocid": world.tenancy_id,
        "compartment_ocid": world.compartment_id,
        "region": world.region,
        "current_user_ocid": world.user_id,
    }
