"""Waiting until a resource of the lab's API has reached its state, by the SDK's own waiter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.system.errors import HardwareError


def wait_for_state(
    client: Any, get: Callable[[str], Any], ocid: str, state: str, deadline_seconds: int = 120
) -> Any:
    """The resource once its lifecycle_state is `state`. Raises HardwareError at the deadline."""
    import oci

    try:
        return oci.wait_until(
            client,
            get(ocid),
            "lifecycle_state",
            state,
            max_interval_seconds=1,
            max_wait_seconds=deadline_seconds,
        ).data
    except oci.exceptions.MaximumWaitTimeExceeded as error:
        last_state = get(ocid).data.lifecycle_state
        raise HardwareError(f"{ocid} is {last_state} after {deadline_seconds} s, expected {state}") from error
