"""Work requests: what became of a change that goes on after its call was answered."""

from lab.api.core.call import Call, Tenancy
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource

ENTITIES = {"volumegroup": "volumeGroup", "volumegroupbackup": "volumeGroupBackup"}  # others by their kind
# What a request that succeeded says of its resource; of other operations it says RELATED.
DONE = {"LaunchInstance": "CREATED", "UpdateInstance": "UPDATED", "TerminateInstance": "DELETED"}


def open_work_request(cloud: Tenancy, resource: StoredResource, operation: str) -> str:
    """A new request IN_PROGRESS about a resource; its OCID."""
    now, ocid = timestamp(), new_ocid("coreservicesworkrequest")
    entity = {
        "actionType": "IN_PROGRESS",
        "entityType": ENTITIES.get(resource.kind, resource.kind),
        "identifier": resource.id,
        "entityUri": f"/20160918/{ENTITIES.get(resource.kind, resource.kind)}s/{resource.id}",
    }
    body = {
        "id": ocid,
        "operationType": operation,
        "status": "IN_PROGRESS",
        "compartmentId": cloud.world.compartment_id,
        "resources": [entity],
        "percentComplete": 0.0,
        "timeAccepted": now,
        "timeStarted": now,
        "timeFinished": None,
    }
    cloud.store.put(StoredResource(ocid, "workrequest", body, {"resource_id": resource.id}))
    return ocid


def close_work_request(cloud: Tenancy, ocid: str | None, refusal: str = "") -> None:
    """Mark it SUCCEEDED, or FAILED with the reason."""
    request = cloud.store.get(ocid) if ocid else None
    if request is None:
        return
    status, done = ("FAILED", request.body["percentComplete"]) if refusal else ("SUCCEEDED", 100.0)
    action = "FAILED" if refusal else DONE.get(request.body["operationType"], "RELATED")
    entities = [{**entity, "actionType": action} for entity in request.body["resources"]]
    closed = request.changed(
        status=status, percentComplete=done, timeFinished=timestamp(), resources=entities
    )
    cloud.store.put(closed.knowing(refusal=refusal))


def get_work_request(cloud: Tenancy, call: Call) -> StoredResource:
    return cloud.required("workrequest", call.path["id"])


def list_work_requests(cloud: Tenancy, call: Call) -> list[StoredResource]:
    call.required_query("compartmentId")
    about = call.query.get("resourceId")
    requests = cloud.store.find("workrequest", compartmentId=call.query["compartmentId"])
    return [one for one in requests if about in (None, one.hidden["resource_id"])]


def list_work_request_errors(cloud: Tenancy, call: Call) -> list[Document]:
    request = cloud.required("workrequest", call.path["id"])
    refusal = request.hidden.get("refusal")
    reason = {"code": "InternalError", "message": refusal, "timestamp": request.body["timeFinished"]}
    return [reason] if refusal else []
