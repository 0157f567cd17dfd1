"""A question is asked once, however many want its answer."""

import threading

import pytest

from failover.model.outcome import Unknown
from failover.preflight.memo import Once


def test_a_question_is_asked_once_and_its_failure_told_to_all() -> None:
    once, asked = Once(), []

    def ask(what: str) -> str:
        asked.append(what)
        if what == "bad":
            raise Unknown("no", "")
        return what.upper()

    assert [once.ask(ask, "a"), once.ask(ask, "a"), once.ask(ask, "b")] == ["A", "A", "B"]
    for _ in range(2):
        with pytest.raises(Unknown):
            once.ask(ask, "bad")
    assert asked == ["a", "b", "bad"]


def test_a_question_can_be_asked_ahead() -> None:
    once, asked, go = Once(), [], threading.Event()

    def ask(what: str) -> str:
        asked.append(what)
        go.wait(5)
        raise Unknown(what, "")

    once.begin(ask, "a")
    go.set()
    with pytest.raises(Unknown, match="a"):
        once.ask(ask, "a")
    assert asked == ["a"]
