"""Errors that become Terraform diagnostics, in the real provider's words."""

from typing import Any

import oci
from oci._vendor import requests

from lab.provider.place import ProviderError
from lab.provider.schema.values import Record

# What a call to the API can raise: an answer with an error status, or no answer.
API_ERRORS = (
    oci.exceptions.ServiceError,
    oci.exceptions.RequestException,
    oci.exceptions.ConnectTimeout,
)


class NotReadyError(ProviderError):
    """A wait that ended badly. `last`: the object as it was read last, None when that read failed."""

    def __init__(self, reason: str, last: Any = None) -> None:
        super().__init__(reason)
        self.last = last


class CreationError(ProviderError):
    """A creation that failed after the object had been made: Terraform must know it, as tainted."""

    def __init__(self, reason: str, record: Record) -> None:
        super().__init__(reason)
        self.record = record


def is_missing(error: BaseException) -> bool:
    """Whether the API answered 404: gone, never there, or not visible to this user."""
    return getattr(error, "status", None) == 404


def is_timeout(error: BaseException) -> bool:
    """Whether the client gave up waiting for an answer."""
    cause = error.args[0] if error.args else None
    return isinstance(error, oci.exceptions.ConnectTimeout) or isinstance(cause, requests.exceptions.Timeout)


def describe(error: Any, operation: str) -> tuple[str, str]:
    """Summary and detail of a diagnostic, in the manner of the real provider."""
    if isinstance(error, oci.exceptions.ServiceError):
        request = f"Request ID: {error.request_id}, operation: {error.operation_name}"
        return f"{error.status}-{error.code}, {error.message}", f"{operation}: {request}"
    if isinstance(error, API_ERRORS):
        return unanswered(error), operation
    return str(error), operation


def in_a_wait(error: Any) -> str:
    """The words for a failed look at an object that is waited for: they have no "401-"."""
    if not isinstance(error, oci.exceptions.ServiceError):
        return unanswered(error)
    return (
        f"Error returned by {str(error.target_service).title()} Service. Http Status Code: {error.status}."
        f" Error Code: {error.code}. Opc request id: {error.request_id}. Message: {error.message}"
        f" Operation Name: {error.operation_name}"
    )


def unanswered(error: Any) -> str:
    """The words of Go's HTTP client for a call without an answer."""
    cause = error.args[0] if error.args else error
    request = getattr(cause, "request", None)
    where = f'{str(request.method).title()} "{request.url}": ' if request is not None else ""
    if is_timeout(error):
        return f"{where}context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if "Connection refused" in str(cause):
        return f"{where}connect: connection refused"
    if "reset by peer" in str(cause):
        return f"{where}read: connection reset by peer"
    return f"{where}EOF" if "aborted" in str(cause) else f"{where}{cause}"
