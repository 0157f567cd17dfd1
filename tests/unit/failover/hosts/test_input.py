"""Input in pieces: each reader has all of them, in order, as they come."""

from __future__ import annotations

from failover.hosts.ssh import loop
from failover.hosts.ssh.input import Input


async def read(given: Input) -> list[str]:
    return [piece async for piece in given.pieces()]


def test_a_reader_has_what_was_there_and_what_comes() -> None:
    given = Input()
    given.add("one ")
    first = loop.begin(read(given))
    assert not first.done()
    given.add("two ")
    given.end("three")
    assert first.result(5) == ["one ", "two ", "three"]
    assert loop.call(read(given)) == ["one ", "two ", "three"], "a second command has it from the start"


def test_an_end_without_a_piece() -> None:
    given = Input()
    reading = loop.begin(read(given))
    given.end()
    assert reading.result(5) == []
