"""The one loop that waits: what it returns, how often it reads, and when it gives up."""

import asyncio
from types import SimpleNamespace

import pytest

from failover import deadline
from failover.deadline import Deadline, async_until, until, until_free


class Clock:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def pause(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(deadline, "time", made)
    monkeypatch.setattr(deadline, "asyncio", SimpleNamespace(sleep=made.pause))
    return made


def test_a_good_value_is_returned_at_once(clock: Clock) -> None:
    assert until(lambda: "ok", bool, 60) == "ok"
    assert clock.slept == []


def test_pauses_grow_and_the_last_read_comes_at_the_deadline(clock: Clock) -> None:
    times: list[float] = []
    value = until(lambda: times.append(clock.now - 1000), bool, 5.0, (0.5, 1.0, 2.0))
    assert value is None
    assert times == [0.0, 0.5, 1.5, 3.5, 5.0]


def test_without_time_it_is_read_once(clock: Clock) -> None:
    assert until(lambda: 0, bool, 0.0) == 0
    assert clock.slept == []


def test_the_event_loop_waits_alike(clock: Clock) -> None:
    times: list[float] = []

    async def read() -> bool:
        times.append(clock.now - 1000)
        return clock.now >= wanted

    for wanted, seconds in ((1003.5, 60.0), (2000.0, 5.0), (0.0, 60.0)):
        clock.now = 1000.0
        assert asyncio.run(async_until(read, bool, seconds, (0.5, 1.0, 2.0))) == (wanted < 2000.0)
    assert times == [0.0, 0.5, 1.5, 3.5, *(0.0, 0.5, 1.5, 3.5, 5.0), 0.0]


def test_a_deadline_says_what_is_left_and_never_less_than_nothing(clock: Clock) -> None:
    limit = Deadline(3.0)
    clock.now += 2.0
    assert (limit.waited, limit.left) == (2.0, 1.0)
    clock.now += 2.0
    assert limit.left == 0.0


def test_the_holder_is_named_at_once_and_each_half_minute(clock: Clock) -> None:
    lines: list[str] = []
    assert until_free(lambda: "terraform apply", 65.0, lines.append, (5.0,)) == "terraform apply"
    assert lines == [f"waiting for terraform apply ({n} s) ..." for n in (0, 30, 60)]


def test_what_is_free_is_not_waited_for(clock: Clock) -> None:
    lines: list[str] = []
    assert until_free(lambda: None, 60.0, lines.append, (5.0,)) is None
    assert (lines, clock.slept) == ([], [])
