"""Polling, retries and durations: how long the stand-in is patient, and with what."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import oci
import pytest

from lab.provider import durations, waiting
from lab.provider.errors import NotReadyError, ProviderError
from lab.provider.retry import seconds_of_retry
from lab.provider.waiting import wait_for, wait_until_gone


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    taken: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", taken.append)
    return taken


def in_states(*states: str) -> object:
    following = iter(states)
    return lambda: SimpleNamespace(lifecycle_state=next(following))


def later() -> float:
    return time.monotonic() + 1200


def test_it_polls_at_once_and_then_ever_more_slowly(pauses: list[float]) -> None:
    fetch = in_states(*["ATTACHING"] * 6, "ATTACHED")
    assert wait_for(fetch, "a", ("ATTACHING",), "ATTACHED", later()).lifecycle_state == "ATTACHED"
    assert pauses == [0.2, 0.4, 0.8, 1.6, 1.6, 1.6]


def test_a_state_that_leads_nowhere_is_an_error(pauses: list[float]) -> None:
    with pytest.raises(NotReadyError, match="unexpected state 'DETACHED' of attachment a"):
        wait_for(in_states("ATTACHING", "DETACHED"), "attachment a", ("ATTACHING",), "ATTACHED", later())


def test_the_deadline_ends_a_wait() -> None:
    with pytest.raises(NotReadyError, match="timeout while waiting for a to become 'ATTACHED'"):
        wait_for(in_states("ATTACHING"), "a", ("ATTACHING",), "ATTACHED", time.monotonic() + 0.1)


def service_error(status: int) -> oci.exceptions.ServiceError:
    return oci.exceptions.ServiceError(status=status, code="x", headers={}, message="no")


def raising(status: int) -> object:
    def fetch() -> object:
        raise service_error(status)

    return fetch


def test_what_answers_404_is_gone() -> None:
    wait_until_gone(raising(404), "a", ("DETACHING",), "DETACHED", later())


def test_what_answers_401_is_not() -> None:
    with pytest.raises(oci.exceptions.ServiceError):
        wait_until_gone(raising(401), "a", ("DETACHING",), "DETACHED", later())


@pytest.mark.parametrize(
    ("status", "code", "message", "seconds"),
    [
        (400, "InvalidParameter", "", 0),
        (401, "NotAuthenticated", "", 0),
        (404, "NotAuthorizedOrNotFound", "", 0),
        (409, "Conflict", "", 120),
        (409, "InvalidatedRetryToken", "", 0),
        (412, "NoEtagMatch", "", 0),
        (429, "TooManyRequests", "", 600),
        (500, "InternalError", "", 120),
        (500, "InternalError", "Out of host capacity.", 0),
        (501, "NotImplemented", "", 0),
        (503, "ServiceUnavailable", "", 120),
    ],
)
def test_retries_are_those_of_the_real_provider(status: int, code: str, message: str, seconds: float) -> None:
    assert seconds_of_retry(status, code, message) == seconds
    assert seconds_of_retry(status, code, message, configured=3.0) == (3.0 if seconds else 0)


@pytest.mark.parametrize(("text", "seconds"), [("20m", 1200), ("1h15m0s", 4500), ("1.5s", 1.5), ("60s", 60)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "20 m", "m20", "1d"])
def test_a_wrong_duration_is_refused(text: str) -> None:
    with pytest.raises(ProviderError, match="expected a form such as"):
        durations.seconds(text)
