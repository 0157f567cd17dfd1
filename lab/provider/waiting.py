"""Polling an object until it is in the state that was asked for."""

import time
from collections.abc import Callable, Collection
from typing import Any

from lab.provider.errors import API_ERRORS, NotReadyError, is_missing

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.6  # the real provider goes on to 6.4 and then 10


def wait_for(
    fetch: Callable[[], Any], name: str, pending: Collection[str], target: str, deadline: float
) -> Any:
    """The object once its lifecycle_state is `target`; `deadline` is in seconds of time.monotonic().

    Polls at once, then after 0.2 s, 0.4 s, 0.8 s ... Raises NotReadyError on any state but the pending ones,
    and at the deadline.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        found = fetch()
        state = found.lifecycle_state
        if state == target:
            return found
        if state not in pending:
            raise NotReadyError(f"unexpected state '{state}' of {name}, wanted target '{target}'")
        if time.monotonic() + pause > deadline:
            raise NotReadyError(
                f"timeout while waiting for {name} to become '{target}' (last state: '{state}')"
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def wait_until_gone(
    fetch: Callable[[], Any], name: str, pending: Collection[str], target: str, deadline: float
) -> None:
    """As wait_for, and an object that answers 404 is gone too."""
    try:
        wait_for(fetch, name, pending, target, deadline)
    except API_ERRORS as error:
        if not is_missing(error):
            raise
