"""When a failed call is made again: the real provider's rules, as a retry strategy of the oci SDK."""

from typing import Any

import oci

_CONFLICT_SECONDS = 120.0
_SERVER_SECONDS = 120.0
_THROTTLE_SECONDS = 600.0


def seconds_of_retry(status: int, code: str, message: str, configured: float | None = None) -> float:
    """For how long an answer like this is worth another call; 0: not at all.

    `configured` is the provider's `retry_duration_seconds`: it takes the place of every time but 0.
    """
    usual = _usual_seconds(status, code, message)
    return configured if usual and configured is not None else usual


def _usual_seconds(status: int, code: str, message: str) -> float:
    if status == 409:
        return 0.0 if code == "InvalidatedRetryToken" else _CONFLICT_SECONDS
    if status == 429:
        return _THROTTLE_SECONDS
    if status >= 500 and status != 501:
        return 0.0 if "out of host capacity" in message.lower() else _SERVER_SECONDS
    return 0.0


class _Checker(oci.retry.retry_checkers.BaseRetryChecker):
    def __init__(self, configured: float | None) -> None:
        super().__init__()
        self._configured = configured

    def should_retry(self, exception: Any = None, response: Any = None, **so_far: Any) -> bool:
        """Connection errors and time-outs of the client are final, as in the real provider."""
        if not isinstance(exception, oci.exceptions.ServiceError):
            return False
        answer = exception.status, str(exception.code), str(exception.message)
        limit = seconds_of_retry(*answer, self._configured)
        return bool(so_far.get("total_time_elapsed", 0.0) < limit)


def strategy(configured: float | None = None) -> Any:
    """A strategy for one client; the SDK adds one opc-retry-token per call and reuses it."""
    return oci.retry.ExponentialBackoffWithFullJitterRetryStrategy(
        base_sleep_time_seconds=0.5,
        exponent_growth_factor=2,
        max_wait_between_calls_seconds=10,
        checker_container=oci.retry.retry_checkers.RetryCheckerContainer([_Checker(configured)]),
    )
