"""Reads beside each other: one that hangs or breaks is a reason, and holds up no other."""

from __future__ import annotations

import asyncio
import threading
import time

from failover.model.outcome import Unknown
from failover.status.beside import Beside, settled
from failover.status.sight import Unread


def test_one_that_hangs_is_unread_at_the_deadline_and_the_others_have_their_value():
    end, beside = threading.Event(), Beside(0.5)
    start = time.monotonic()
    hangs, works = beside.begin(lambda: end.wait(60)), beside.begin(lambda: 7)
    assert works.result() == 7
    assert hangs.result() == Unread("no answer within 0.5 s", "look again")
    assert beside.begin(lambda: end.wait(60)).result() == beside.late, "no second wait after the deadline"
    assert time.monotonic() - start < 10
    end.set()


def test_who_waits_in_an_event_loop_has_the_same_and_takes_it_from_nobody():
    end, beside = threading.Event(), Beside(0.5)
    hangs, works = beside.begin(lambda: end.wait(60)), beside.begin(lambda: 7)

    async def both() -> list[object]:
        return await asyncio.gather(works.arrived(), works.arrived(), hangs.arrived())

    assert asyncio.run(both()) == [7, 7, Unread("no answer within 0.5 s", "look again")]
    assert works.result() == 7
    end.set()
    assert hangs._future.result(10) is True, "the read itself goes on"


def test_what_a_read_raises_is_its_reason():
    def unknown() -> None:
        raise Unknown("OCI GetInstance: no answer", "check the network")

    def defect() -> None:
        raise KeyError("a library's own")

    assert settled(unknown) == Unread("OCI GetInstance: no answer", "check the network")
    assert settled(defect) == Unread('KeyError: "a library\'s own"')
    assert settled(lambda: None) is None
