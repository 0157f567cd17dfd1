"""When a failed call is made again: the real provider's rules, as a retry strategy of the oci SDK."""

from dataclasses import dataclass
from typing import Any

import oci

from lab.provider.errors import is_timeout

_SHORT_SECONDS = 120.0
_THROTTLE_SECONDS = 600.0
_NEVER_CONFIGURED = (409, 502, 503)
TIMED_OUT = 0  # in the place of a status: the client gave up waiting


@dataclass(frozen=True)
class Patience:
    """How long failed calls are made again, in seconds.

    `configured`: the provider's argument retry_duration_seconds, which 409, 502, 503 and time-outs ignore.
    `lab`: of this stand-in alone; it takes the place of every time but 0, so that tests need not wait.
    """

    configured: float | None = None
    lab: float | None = None

    def seconds(self, status: int, code: str, message: str) -> float:
        """For how long an answer like this is worth another call; 0: not at all."""
        usual = _usual_seconds(status, code, message)
        if not usual:
            return 0.0
        if self.lab is not None:
            return self.lab
        ignored = self.configured is None or status in (*_NEVER_CONFIGURED, TIMED_OUT)
        return usual if ignored else float(self.configured or 0.0)


def _usual_seconds(status: int, code: str, message: str) -> float:
    if status == TIMED_OUT:
        return _SHORT_SECONDS
    if status == 409:
        return 0.0 if code == "InvalidatedRetryToken" else _SHORT_SECONDS
    if status == 429:
        return _THROTTLE_SECONDS
    if status >= 500:
        return 0.0 if "out of host capacity" in message.lower() else _SHORT_SECONDS
    return 0.0


class _Checker(oci.retry.retry_checkers.BaseRetryChecker):
    def __init__(self, patience: Patience, timeout_seconds: float) -> None:
        super().__init__()
        self._patience = patience
        self._timeout_seconds = timeout_seconds

    def should_retry(self, exception: Any = None, response: Any = None, **so_far: Any) -> bool:
        """A connection that is cut is final; one time-out is never the end, as in the real provider."""
        elapsed = so_far.get("total_time_elapsed", 0.0)
        if isinstance(exception, oci.exceptions.ServiceError):
            answer = exception.status, str(exception.code), str(exception.message)
            return bool(elapsed < self._patience.seconds(*answer))
        if exception is not None and is_timeout(exception):
            limit = self._patience.seconds(TIMED_OUT, "", "")
            return bool(elapsed < max(limit, 1.5 * self._timeout_seconds))
        return False


def strategy(patience: Patience, timeout_seconds: float) -> Any:
    """A strategy for one client; the SDK adds one opc-retry-token per call and reuses it."""
    return oci.retry.ExponentialBackoffWithFullJitterRetryStrategy(
        base_sleep_time_seconds=0.5,
        exponent_growth_factor=2,
        max_wait_between_calls_seconds=10,
        checker_container=oci.retry.retry_checkers.RetryCheckerContainer(
            [_Checker(patience, timeout_seconds)]
        ),
    )
