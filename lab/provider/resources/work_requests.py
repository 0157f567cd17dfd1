"""Work requests: why a launch ended, and whether an update was carried out."""

import time
from typing import Any

from lab.provider.cloud import ProviderClients
from lab.provider.errors import NotReadyError
from lab.provider.place import ProviderError

_HEADER = "opc-work-request-id"
_PAUSE_SECONDS = 0.2


def refusal(cloud: ProviderClients, answer: Any, instance: Any) -> str:
    """Why a launch that was accepted ended in TERMINATED, in the provider's words; empty for other ends."""
    request_id = answer.headers.get(_HEADER)
    if not request_id or instance.lifecycle_state not in ("TERMINATING", "TERMINATED"):
        return ""
    errors = cloud.work.list_work_request_errors(request_id).data
    message = "; ".join(error.message for error in errors)
    return _did_not_succeed(request_id, "CREATED", message)


def await_update(cloud: ProviderClients, answer: Any, deadline: float) -> None:
    """Wait for an update's work request, if it has one; it must name the instance as UPDATED.

    Raises NotReadyError at the deadline, ProviderError for a request that ended otherwise.
    """
    request_id = answer.headers.get(_HEADER)
    if not request_id:
        return
    while (request := cloud.work.get_work_request(request_id).data).status in ("ACCEPTED", "IN_PROGRESS"):
        if time.monotonic() + _PAUSE_SECONDS > deadline:
            raise NotReadyError(f"timeout while waiting for work request {request_id}")
        time.sleep(_PAUSE_SECONDS)
    if request.status != "SUCCEEDED":
        errors = cloud.work.list_work_request_errors(request_id).data
        raise ProviderError(_did_not_succeed(request_id, "UPDATED", "; ".join(e.message for e in errors)))
    if not any(resource.action_type == "UPDATED" for resource in request.resources):
        raise ProviderError(f"work request {request_id} succeeded but no identifier was found")


def _did_not_succeed(request_id: str, action: str, message: str) -> str:
    return (
        f"Work Request error: work request did not succeed, workId: {request_id}, entity: instance,"
        f" action: {action}. Message: {message}"
    )
