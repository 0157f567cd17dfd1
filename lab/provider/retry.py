"""When a failed call is made again: the real provider's rules, as a retry strategy of the oci SDK."""

from typing import Any

import oci

_CONFLICT_SECONDS = 120.0
_SERVER_SECONDS = 120.0
_THROTTLE_SECONDS = 600.0


def seconds_of_retry(status: int, code: str, message: str) -> float:
    """For how long an answer like this is worth another call; 0: not at all."""
    if status == 409:
        return 0.0 if code == "InvalidatedRetryToken" else _CONFLICT_SECONDS
    if status == 429:
        return _THROTTLE_SECONDS
    if status >= 500 and status != 501:
        return 0.0 if "out of host capacity" in message.lower() else _SERVER_SECONDS
    return 0.0


class _Checker(oci.retry.retry_checkers.BaseRetryChecker):
    def should_retry(self, exception: Any = None, response: Any = None, **so_far: Any) -> bool:
        """Connection errors and time-outs of the client are final, as in the real provider."""
        if not isinstance(exception, oci.exceptions.ServiceError):
            return False
        limit = seconds_of_retry(exception.status, str(exception.code), str(exception.message))
        return bool(so_far.get("total_time_elapsed", 0.0) < limit)


def strategy() -> Any:
    """A strategy for one client; the SDK adds one opc-retry-token per call and reuses it."""
    return oci.retry.ExponentialBackoffWithFullJitterRetryStrategy(
        base_sleep_time_seconds=0.5,
        exponent_growth_factor=2,
        max_wait_between_calls_seconds=10,
        checker_container=oci.retry.retry_checkers.RetryCheckerContainer([_Checker()]),
    )
