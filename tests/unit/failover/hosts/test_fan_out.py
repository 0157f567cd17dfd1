"""Many hosts at the same time: none delays another, a stop begins no more, order and failures are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from failover.hosts import fan_out
from failover.hosts.fan_out import FanOut, NotBegun, Pace, results
from failover.model.outcome import Usage


def test_results_stand_in_the_order_of_the_items_however_they_end() -> None:
    async def work(item: int, begun: Callable[[], None]) -> int:
        begun()
        await asyncio.sleep(0.05 * (3 - item))
        return item * 10

    counts: list[int] = []
    assert results([0, 1, 2], work, counts.append) == [0, 10, 20]
    assert counts[-1] == 3


def test_hosts_that_hang_give_up_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out.Pace.__init__, "__defaults__", (4, 0.2))

    async def work(item: int, begun: Callable[[], None]) -> str:
        if item < 20:
            await asyncio.sleep(2.0)  # a login that does not end: five times as many as there are places
            return "late"
        begun()
        return "ok"

    ended: dict[str, float] = {}
    start = time.monotonic()
    for batch in FanOut(range(60), work).as_ended():
        for _, result in batch:
            ended[str(result)] = time.monotonic() - start
    assert ended["ok"] < 1.9  # before the first of those that hang
    assert ended["late"] < 4.0


def test_no_more_logins_at_one_time_than_there_are_places() -> None:
    under_way, most = 0, 0

    async def login(pace: Pace) -> None:
        nonlocal under_way, most
        async with pace.place() as begun:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            begun()
            await asyncio.sleep(0.01)

    async def all_of_them() -> None:
        pace = Pace(3, 5.0)
        await asyncio.gather(*(login(pace) for _ in range(20)))

    asyncio.run(all_of_them())
    assert most == 3


def test_after_a_stop_what_is_under_way_ends_and_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out.Pace.__init__, "__defaults__", (1, 30.0))

    async def work(item: int, begun: Callable[[], None]) -> int:
        fan.stop()
        await asyncio.sleep(0.05)
        return item

    fan = FanOut(range(5), work)
    ended = [one for batch in fan.as_ended() for one in batch]
    assert [result for _, result in ended if isinstance(result, int)] == [0]
    assert sum(isinstance(result, NotBegun) for _, result in ended) == 4


def test_what_is_abandoned_ends_at_once_and_so_does_who_waits_for_it() -> None:
    begun_items: list[int] = []
    cancelled: list[int] = []

    async def work(item: int, begun: Callable[[], None]) -> int:
        if item == 0:
            begun()
            return item
        begun_items.append(item)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    fan = FanOut(range(60), work)
    start, ended = time.monotonic(), []
    for batch in fan.as_ended():
        ended += batch
        while len(begun_items) < fan_out.BEGINNINGS - 1:
            time.sleep(0.01)
        fan.abandon()
    assert ended[0] == (0, 0)
    assert time.monotonic() - start < 20
    while len(cancelled) < len(begun_items):
        time.sleep(0.01)
    assert len(begun_items) <= fan_out.BEGINNINGS, "no other login began"


def test_what_is_abandoned_before_it_began_is_not_begun() -> None:
    async def work(item: int, begun: Callable[[], None]) -> int:
        return item

    fan = FanOut(range(3), work)
    fan.abandon()
    assert all(isinstance(result, NotBegun) for batch in fan.as_ended() for _, result in batch)


def test_the_first_failure_is_raised_when_all_have_ended() -> None:
    done: list[int] = []

    async def work(item: int, begun: Callable[[], None]) -> int:
        await asyncio.sleep(0.02 * item)
        if item == 0:
            raise Usage("its key cannot be used", "correct it")
        done.append(item)
        return item

    with pytest.raises(Usage, match="key cannot be used"):
        results([0, 1, 2], work)
    assert done == [1, 2]
