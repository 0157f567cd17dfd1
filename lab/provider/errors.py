"""Errors that become Terraform diagnostics."""

from typing import Any

import oci

from lab.provider.values import Record

# What a call to the API can raise: an answer with an error status, or no answer.
API_ERRORS = (oci.exceptions.ServiceError, oci.exceptions.RequestException)


class ProviderError(Exception):
    """A reason, in one line, why Terraform's request cannot be met."""


class NotReadyError(ProviderError):
    """A wait that ended badly: the object exists, but not in the state that was asked for."""


class CreationError(ProviderError):
    """A creation that failed after the object had been made: Terraform must know it, as tainted."""

    def __init__(self, reason: str, record: Record) -> None:
        super().__init__(reason)
        self.record = record


def is_missing(error: BaseException) -> bool:
    """Whether the API answered 404: gone, never there, or not visible to this user."""
    return getattr(error, "status", None) == 404


def describe(error: Any, operation: str) -> tuple[str, str]:
    """Summary and detail of a diagnostic, in the manner of the real provider."""
    if isinstance(error, oci.exceptions.ServiceError):
        request = f"Request ID: {error.request_id}, operation: {error.operation_name}"
        return f"{error.status}-{error.code}, {error.message}", f"{operation}: {request}"
    return str(error), operation
