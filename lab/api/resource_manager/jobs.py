"""Resource Manager's jobs: plan, apply and import of a state, one per stack at a time."""

from lab.api.core.call import Call, Tenancy, listed, tags
from lab.api.core.errors import conflict, incorrect_state, invalid, missing, not_found
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import schedule
from lab.api.resource_manager import job_runs, stacks
from lab.api.resource_manager.job_files import BEGUN, CANCEL
from lab.api.resource_manager.job_orders import write_order

MODELLED = ("stackId", "displayName", "operation", "jobOperationDetails", "freeformTags", "definedTags")
STRATEGIES = ("AUTO_APPROVED", "FROM_PLAN_JOB_ID", "FROM_LATEST_PLAN_JOB")
SUMMARY = (
    *("id", "stackId", "compartmentId", "displayName", "operation", "jobOperationDetails"),
    *("applyJobPlanResolution", "resolvedPlanJobId", "timeCreated", "timeFinished", "lifecycleState"),
    *("freeformTags", "definedTags", "systemTags"),
)


def create_job(cloud: Tenancy, call: Call) -> StoredResource:
    call.modelled(*MODELLED)
    stack = live_stack_without_job(cloud, call.text("stackId"))
    details = call.body.get("jobOperationDetails") or {"operation": call.body.get("operation")}
    operation = str(details.get("operation"))
    plan_job = _plan_job(cloud, stack, details) if operation == "APPLY" else None
    # a saved plan holds the configuration and the variables that it was made of
    source = plan_job or stack
    body = _record(stack, operation, details, plan_job, call.body)
    body["variables"] = source.body["variables"]
    hidden = {"zip": source.hidden["zip"]}
    job = cloud.store.put(StoredResource(body["id"], "ormjob", body, hidden))
    write_order(cloud, job, details)
    schedule(cloud, job, "start_job")
    return job


def live_stack_without_job(cloud: Tenancy, stack_id: str) -> StoredResource:
    """The stack, or 409 while a job of it has not ended. Raises either as an ApiError."""
    stack = stacks.live_stack(cloud, stack_id)
    if other := stacks.unended_job(cloud, stack.id):
        raise conflict(f"the stack {stack.id} has a job that is {other.state} already: {other.id}")
    return stack


def _plan_job(cloud: Tenancy, stack: StoredResource, details: Document) -> StoredResource | None:
    strategy = details.get("executionPlanStrategy")
    if strategy not in STRATEGIES:
        raise invalid(f"executionPlanStrategy must be one of {', '.join(STRATEGIES)}, not {strategy}")
    if strategy == "AUTO_APPROVED":
        return None
    plans = cloud.store.find("ormjob", stackId=stack.id, operation="PLAN")
    if strategy == "FROM_LATEST_PLAN_JOB":
        plans = [j for j in plans if j.state == "SUCCEEDED"][-1:]
    elif not details.get("executionPlanJobId"):
        raise missing("executionPlanJobId")
    else:
        plans = [j for j in plans if j.id == details["executionPlanJobId"]]
    if not plans:
        raise not_found(f"a plan job of {stack.id}")
    if plans[0].state != "SUCCEEDED":
        raise incorrect_state(f"the plan job {plans[0].id} is {plans[0].state}")
    return plans[0]


def _record(
    stack: StoredResource,
    operation: str,
    details: Document,
    plan_job: StoredResource | None,
    fields: Document,
) -> Document:
    ocid = new_ocid("ormjob")
    resolution = {
        "planJobId": details.get("executionPlanJobId"),
        "isUseLatestJobId": details.get("executionPlanStrategy") == "FROM_LATEST_PLAN_JOB",
        "isAutoApproved": details.get("executionPlanStrategy") == "AUTO_APPROVED",
    }
    return {
        "id": ocid,
        "stackId": stack.id,
        "compartmentId": stack.body["compartmentId"],
        "displayName": fields.get("displayName") or f"ormjob{ocid[-8:]}",
        "operation": operation,
        "isThirdPartyProviderExperienceEnabled": False,
        "isProviderUpgradeRequired": False,
        "jobOperationDetails": {k: v for k, v in details.items() if k != "tfStateBase64Encoded"},
        "applyJobPlanResolution": resolution if operation == "APPLY" else None,
        "resolvedPlanJobId": plan_job.id if plan_job else None,
        "timeCreated": timestamp(),
        "timeFinished": None,
        "lifecycleState": "ACCEPTED",
        "failureDetails": None,
        "cancellationDetails": {"isForced": False},
        "workingDirectory": stack.body["configSource"]["workingDirectory"],
        "configSource": {"configSourceRecordType": "ZIP_UPLOAD"},
        "systemTags": {},
        **tags(fields),
    }


def get_job(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("ormjob", call.path["id"])


def list_jobs(cloud: Tenancy, call: Call) -> list[Document]:
    """ListJobs. Refuses a call without compartment, stack or id (400 MissingParameter)."""
    if not call.query.keys() & {"compartmentId", "stackId", "id"}:
        raise missing("compartmentId, stackId or id")
    jobs = listed(cloud, call, "ormjob", ("id", "stackId", "displayName", "lifecycleState"))
    return [{name: one.body.get(name) for name in SUMMARY} for one in jobs]


def cancel_job(cloud: Tenancy, call: Call) -> None:
    """One that has not begun ends at once; another is interrupted, or killed when it `isForced`.

    Refuses one that has ended (409).
    """
    job = cloud.required("ormjob", call.path["id"])
    forced = call.query.get("isForced") == "true"
    if job.state not in stacks.UNENDED:
        raise incorrect_state(f"the job {job.id} is {job.state}")
    job = job.changed(cancellationDetails={"isForced": forced})
    if job.state == "ACCEPTED" and not (job_runs.folder_of(cloud, job.id) / BEGUN).exists():
        cloud.store.execute("DELETE FROM transitions WHERE resource_id = ?", job.id)
        cloud.store.put(job.changed(lifecycleState="CANCELED", timeFinished=timestamp()))
        return
    (job_runs.folder_of(cloud, job.id) / CANCEL).write_text("forced" if forced else "")
    if job.state == "IN_PROGRESS":
        job = job.changed(lifecycleState="CANCELING")
    cloud.store.put(job)
