"""Calls that make or remove something: which answers are a refusal that stands, and what to do about each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import oci

from failover.cloud.client import POLL_SECONDS, pages
from failover.deadline import until
from failover.model.outcome import Failed, FailoverError, Unknown

_LIMITS = ("LimitExceeded", "QuotaExceeded")
_CAPACITY = "Out of host capacity"


class NotFound(Unknown):
    """A call that was answered 404: not there, or not authorized."""


def acting(
    operation: str, function: Callable[..., Any], *args: Any, but: Sequence[int] = (), **options: Any
) -> Any:
    """The data of the answer; None when its status is one of `but`.

    Raises Failed for a refusal that stays one (a limit, capacity, a conflict, a bad request), NotFound for a
    404, Unknown for any other answer or none.
    """
    answer = answered(operation, function, *args, but=but, **options)
    return None if answer is None else answer.data


def answered(
    operation: str, function: Callable[..., Any], *args: Any, but: Sequence[int] = (), **options: Any
) -> Any:
    """As `acting`, the whole answer: its data and its next page. Raises as `acting` does."""
    try:
        return function(*args, **options)
    except oci.exceptions.ServiceError as error:
        if error.status in but:
            return None
        raise refusal(operation, int(error.status), str(error.code), str(error.message)) from error
    except (oci.exceptions.RequestException, oci.exceptions.ConnectTimeout) as error:
        raise Unknown(f"OCI {operation}: no answer: {error}", "check the network and the endpoint") from error


def listed(operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
    """The items of all pages. Raises as `acting` does."""
    return pages(partial(answered, operation, function), *args, **options)


def refusal(operation: str, status: int, code: str, message: str) -> FailoverError:
    """What an answer that is no success means, with its remedy. Pure."""
    reason = f"OCI {operation}: HTTP {status} {code}: {message}"
    if code in _LIMITS:
        return Failed(reason, "have the service limit or the compartment's quota raised, or free some of it")
    if _CAPACITY.lower() in message.lower():
        return Failed(reason, "try again later, use a capacity reservation, or name a server that stands by")
    if status == 404:
        return NotFound(
            reason, "check the OCID and the policies (docs/before.md has the statements for each verb)"
        )
    if status in (401, 403):
        return Unknown(reason, "check the API key, the clock and the policies (docs/before.md)")
    if status in (400, 409, 412, 413):
        return Failed(reason, "look at what the message names; then run the same command again")
    return Unknown(reason, "look at the service's status; then run the same command again")


def settled(
    what: str, read: Callable[[], Any], states: Sequence[str], moving: Sequence[str], deadline_seconds: float
) -> Any:
    """The resource once its lifecycle state is no longer one of `moving`.

    Raises Failed when that is not one of `states`, Unknown at the deadline.
    """
    resource = until(read, lambda one: one.lifecycle_state not in moving, deadline_seconds, POLL_SECONDS)
    if resource.lifecycle_state in moving:
        raise Unknown(
            f"{what} {resource.id} is {resource.lifecycle_state} after {deadline_seconds:.0f} s",
            "look at it in the console; then run the same command again",
        )
    if resource.lifecycle_state not in states:
        raise Failed(
            f"{what} {resource.id} ended {resource.lifecycle_state}, expected {' or '.join(states)}",
            "look at its work request in the console",
        )
    return resource
