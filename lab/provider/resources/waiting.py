"""Polling an object until it is in the state that was asked for."""

import time
from collections.abc import Callable, Collection
from typing import Any

from lab.provider.errors import API_ERRORS, NotReadyError, in_a_wait, is_missing

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.6  # the real provider goes on to 6.4 and then 10


def wait_for(
    fetch: Callable[[], Any],
    activity: str,
    pending: Collection[str],
    target: str,
    deadline: float,
) -> Any:
    """The object once its lifecycle_state is `target`; `deadline` is in seconds of time.monotonic().

    `activity` is what is waited for: creation, update, deletion. Polls at once, then after 0.2 s, 0.4 s,
    0.8 s ... Raises NotReadyError on any state but the pending ones, at the deadline, and for a look that
    fails; a 404 passes through.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        resource = _fetched(fetch)
        state = resource.lifecycle_state
        if state == target:
            return resource
        if state not in pending:
            raise NotReadyError(
                f"During {activity}, Terraform expected the resource {resource.id} to reach state(s): "
                f"{target}, but the service reported unexpected state: {state}.",
                resource,
            )
        if time.monotonic() + pause > deadline:
            raise NotReadyError(
                f"timeout while waiting for state to become '{target}' (last state: '{state}')", resource
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _fetched(fetch: Callable[[], Any]) -> Any:
    try:
        return fetch()
    except API_ERRORS as error:
        if is_missing(error):
            raise
        raise NotReadyError(in_a_wait(error)) from error


def wait_until_gone(fetch: Callable[[], Any], pending: Collection[str], target: str, deadline: float) -> None:
    """As wait_for, and an object that answers 404 is gone too. Raises as wait_for does, but for that 404."""
    try:
        wait_for(fetch, "deletion", pending, target, deadline)
    except API_ERRORS as error:
        if not is_missing(error):
            raise


def made_ready(
    fetch: Callable[[], Any], made: Any, pending: Collection[str], target: str, deadline: float
) -> Any:
    """A new object once it is ready, or as it was made when a look at it is answered 404.

    The real provider takes that 404 for the end of its wait, not for an error.
    """
    try:
        return wait_for(fetch, "creation", pending, target, deadline)
    except API_ERRORS:
        return made
