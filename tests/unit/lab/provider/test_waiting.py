"""Polling, retries and durations: how long the stand-in is patient, and with what."""

import time
from types import SimpleNamespace

import oci
import pytest
from oci._vendor import requests

from lab.provider import durations
from lab.provider.errors import NotReadyError, describe
from lab.provider.place import ProviderError
from lab.provider.resources import waiting
from lab.provider.resources.waiting import made_ready, wait_for, wait_until_gone
from lab.provider.retry import TIMED_OUT, Patience, strategy


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", taken.append)
    return taken


def in_states(*states: str) -> object:
    following = iter(states)
    return lambda: SimpleNamespace(id="a", lifecycle_state=next(following))


def later() -> float:
    return time.monotonic() + 1200


def test_it_polls_at_once_and_then_ever_more_slowly(pauses: list[float]) -> None:
    fetch = in_states(*["ATTACHING"] * 6, "ATTACHED")
    assert wait_for(fetch, "creation", ("ATTACHING",), "ATTACHED", later()).lifecycle_state == "ATTACHED"
    assert pauses == [0.2, 0.4, 0.8, 1.6, 1.6, 1.6]


def test_a_state_that_leads_nowhere_is_an_error(pauses: list[float]) -> None:
    said = r"During creation, .* to reach state\(s\): ATTACHED, but .* unexpected state: DETACHED"
    with pytest.raises(NotReadyError, match=said) as ended:
        wait_for(in_states("ATTACHING", "DETACHED"), "creation", ("ATTACHING",), "ATTACHED", later())
    assert ended.value.last.lifecycle_state == "DETACHED"


def test_the_deadline_ends_a_wait() -> None:
    with pytest.raises(NotReadyError, match="timeout while waiting for state to become 'ATTACHED'"):
        wait_for(in_states("ATTACHING"), "creation", ("ATTACHING",), "ATTACHED", time.monotonic() + 0.1)


def service_error(status: int) -> oci.exceptions.ServiceError:
    return oci.exceptions.ServiceError(status=status, code="x", headers={}, message="no")


def raising(status: int) -> object:
    def fetch() -> object:
        raise service_error(status)

    return fetch


def test_what_answers_404_is_gone() -> None:
    wait_until_gone(raising(404), ("DETACHING",), "DETACHED", later())


def test_what_answers_401_is_not() -> None:
    with pytest.raises(NotReadyError, match=r"Http Status Code: 401\. Error Code: x"):
        wait_until_gone(raising(401), ("DETACHING",), "DETACHED", later())


def test_a_new_object_that_answers_404_is_taken_as_it_was_made() -> None:
    """As the real provider: a 404 is no error, and the last state is recorded; anything else is an error."""
    made = SimpleNamespace(id="a", lifecycle_state="ATTACHING")
    assert made_ready(raising(404), made, ("ATTACHING",), "ATTACHED", later()) is made
    with pytest.raises(NotReadyError, match="Http Status Code: 500"):
        made_ready(raising(500), made, ("ATTACHING",), "ATTACHED", later())


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
        (501, "NotImplemented", "", 120),
        (TIMED_OUT, "", "", 120),
        (503, "ServiceUnavailable", "", 120),
    ],
)
def test_retries_are_those_of_the_real_provider(status: int, code: str, message: str, seconds: float) -> None:
    assert Patience().seconds(status, code, message) == seconds
    # as in the real provider: retry_duration_seconds counts for some of them only
    obeys = status in (429, 500, 501)
    configured = 3.0 if seconds and obeys else seconds
    assert Patience(configured=3.0).seconds(status, code, message) == configured
    assert Patience(configured=3.0, lab=1.0).seconds(status, code, message) == (1.0 if seconds else 0)


def test_one_time_out_is_never_the_end_but_a_cut_connection_is() -> None:
    """As the real provider: the same call again, with the same token."""
    checkers = strategy(Patience(lab=2.0), timeout_seconds=2.0).checkers
    timed_out = oci.exceptions.RequestException(requests.exceptions.ReadTimeout("read timed out"))
    assert checkers.should_retry(exception=timed_out, total_time_elapsed=2.1, current_attempt=1)
    assert not checkers.should_retry(exception=timed_out, total_time_elapsed=4.5, current_attempt=2)
    cut = oci.exceptions.RequestException(requests.exceptions.ConnectionError("Connection aborted."))
    assert not checkers.should_retry(exception=cut, total_time_elapsed=0.0, current_attempt=1)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (requests.exceptions.ReadTimeout("read timed out"), "context deadline exceeded"),
        (requests.exceptions.ConnectionError("('Connection aborted.', RemoteDisconnected())"), "EOF"),
        (requests.exceptions.ConnectionError("[Errno 111] Connection refused"), "connection refused"),
        (requests.exceptions.ConnectionError("[Errno 104] Connection reset by peer"), "reset by peer"),
    ],
)
def test_a_call_without_an_answer_is_told_in_go_s_words(cause: Exception, words: str) -> None:
    assert words in describe(oci.exceptions.RequestException(cause), "x")[0]


@pytest.mark.parametrize(("text", "seconds"), [("20m", 1200), ("1h15m0s", 4500), ("1.5s", 1.5), ("60s", 60)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "20 m", "m20", "1d"])
def test_a_wrong_duration_is_refused(text: str) -> None:
    with pytest.raises(ProviderError, match="expected a form such as"):
        durations.seconds(text)
