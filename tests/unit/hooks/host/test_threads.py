"""Work beside other work: results in order, errors where the result is asked for, a limit that holds."""

from __future__ import annotations

import threading
import time

import pytest

from hooks.host.threads import Begun, for_each


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 * (3 - number))
        return number * 10

    assert for_each(slow_first, [1, 2, 3], 3) == [10, 20, 30]
    assert for_each(slow_first, [], 3) == []


def test_no_more_than_so_many_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def counted(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    for_each(counted, range(9), 2)
    assert most == 2


def test_an_error_comes_when_all_have_ended_and_it_is_the_first_item_s() -> None:
    ended: list[int] = []

    def failing(number: int) -> None:
        if number != 3:
            raise ValueError(number)
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(ValueError, match=r"^1$"):
        for_each(failing, [1, 2, 3], 3)
    assert ended == [3]


def test_what_was_begun_goes_on_beside_its_caller() -> None:
    released = threading.Event()
    begun = Begun(lambda: released.wait(5))
    released.set()
    assert begun.result() is True
