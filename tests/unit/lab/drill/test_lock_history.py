"""The lock history checker: correct histories pass, and each kind of injected violation is reported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.drill.lock_history import (
    FAILED,
    FENCE_BACK,
    FENCE_TWICE,
    LOST,
    OVERWRITTEN,
    TWO_OWNERS,
    Clock,
    LockEvent,
    LockHistory,
    check,
    parse,
)
from lab.system.paths import GUEST

CLIENTS = {"v40": "nfs-cli", "v42": "nfs-cli", "third": "other", "fourth": "far"}


@dataclass(frozen=True)
class Turn:
    """A turn in true time, and what its owner logs of it."""

    client: str
    start: float
    held: float
    number: int
    events: tuple[str, ...] = ("acquire", "fence", "confirm", "release")
    read: int | None = None


@dataclass(frozen=True)
class Story:
    """Turns, with what each host's clock is ahead in truth, and what is known of that."""

    turns: tuple[Turn, ...]
    ahead: dict[str, float]
    clocks: dict[str, Clock]

    def check(self) -> list[str]:
        """The kinds of the violations."""
        histories = [
            LockHistory(c, CLIENTS[c], self._events(c)) for c in {turn.client for turn in self.turns}
        ]
        return [violation.kind for violation in check(histories, self.clocks)]

    def _events(self, client: str) -> tuple[LockEvent, ...]:
        events: list[LockEvent] = []
        for count, turn in enumerate([turn for turn in self.turns if turn.client == client], 1):
            last = len(turn.events) - 1
            for place, event in enumerate(turn.events):
                at = turn.start + turn.held * place / max(last, 1) + self.ahead[CLIENTS[client]]
                number = None if event in ("acquire", "error") else turn.number
                if turn.read is not None and event not in ("acquire", "fence"):
                    number = turn.read
                error = ("EIO", "write") if event == "error" else ("", "")
                events.append(LockEvent(client, event, count, at, number, *error))
        return tuple(events)


SECONDS = st.floats(0.001, 5.0)


@st.composite
def stories(draw: st.DrawFn, clients: Sequence[str] = tuple(CLIENTS), exact: bool = False) -> Story:
    """A correct history: one owner after the other, the number one higher each time."""
    turns, now, number = [], 1000.0, 0
    for _ in range(draw(st.integers(2, 20))):
        now += draw(SECONDS)
        held = draw(SECONDS)
        number += draw(st.integers(1, 3))  # a turn that ended with an error may have used one
        turns.append(Turn(draw(st.sampled_from(clients)), now, held, number))
        now += held
    ahead, clocks = {}, {}
    for host in set(CLIENTS.values()):
        ahead[host] = 0.0 if exact else draw(st.floats(-3600, 3600))
        error = 0.0 if exact else draw(st.floats(0, 2.0))
        below = draw(st.floats(0, 1)) * error
        # a float's last digit, at these times, is less than the millionth that is added
        clocks[host] = Clock(ahead[host] - below - 1e-6, ahead[host] - below + error + 1e-6)
    return Story(tuple(turns), ahead, clocks)


@given(stories())
def test_a_correct_history_passes(story: Story) -> None:
    assert story.check() == []


@given(stories())
def test_a_turn_that_is_not_at_its_end_yet_passes(story: Story) -> None:
    last = replace(story.turns[-1], events=("acquire", "fence"))
    assert replace(story, turns=(*story.turns[:-1], last)).check() == []


Injection = Callable[[Turn, Turn], "tuple[Turn, Turn]"]


def other_client(turn: Turn) -> str:
    """Another client of the same host: the clocks' errors play no part."""
    return "v42" if turn.client == "v40" else "v40"


INJECTIONS: dict[str, Injection] = {
    TWO_OWNERS: lambda one, two: (
        one,
        replace(two, client=other_client(one), start=one.start + one.held * 0.9, held=two.held + one.held),
    ),
    FENCE_TWICE: lambda one, two: (one, replace(two, number=one.number)),
    FENCE_BACK: lambda one, two: (replace(one, number=two.number), replace(two, number=one.number)),
    OVERWRITTEN: lambda one, two: (replace(one, read=two.number), two),
    LOST: lambda one, two: (
        replace(one, events=("acquire", "fence")),
        replace(two, client=other_client(one)),
    ),
    FAILED: lambda one, two: (replace(one, events=("acquire", "fence", "error")), two),
}


@pytest.mark.parametrize("kind", INJECTIONS)
@given(story=stories(clients=("v40", "v42")), data=st.data())
def test_an_injected_violation_is_reported_and_no_other_kind(
    kind: str, story: Story, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(story.turns) - 2))
    pair = INJECTIONS[kind](story.turns[place], story.turns[place + 1])
    turns = (*story.turns[:place], *pair, *story.turns[place + 2 :])
    if kind == TWO_OWNERS:
        turns = (*story.turns[:place], *pair)
    assert set(replace(story, turns=turns).check()) == {kind}


@given(stories(), st.floats(0.01, 2.0))
def test_two_owners_on_two_hosts_are_reported_beyond_the_clocks_errors_alone(
    story: Story, overlap: float
) -> None:
    one = Turn("third", 0.0, 100.0, 1)
    two = Turn("fourth", 100.0 - overlap, 100.0, 2)
    errors = sum(story.clocks[host].high - story.clocks[host].low for host in ("other", "far"))
    kinds = replace(story, turns=(one, two)).check()
    if overlap > errors + 1e-5:
        assert TWO_OWNERS in kinds
    # how far the truth lies inside the known offsets decides in between; never without an overlap
    assert replace(story, turns=(one, replace(two, start=100.0))).check() == []


def test_a_known_loss_is_an_error_and_no_second_owner() -> None:
    one = Turn("v40", 0.0, 10.0, 1, ("acquire", "fence", "error"))
    two = Turn("v42", 6.0, 1.0, 2)  # between the last sync and the error
    assert Story((one, two), {"nfs-cli": 0.0}, {}).check() == [FAILED]


def test_hosts_without_a_clock_are_named() -> None:
    histories = [LockHistory("a", "one", ()), LockHistory("b", "two", ())]
    with pytest.raises(ValueError, match="no clock offset is known of two"):
        check(histories, {"one": Clock()})


LINE = {"client": "v40", "event": "acquire", "turn": 2, "at": 1.5}


def test_a_log_is_read_up_to_a_line_that_was_cut_off() -> None:
    text = json.dumps(LINE) + "\n" + json.dumps({**LINE, "event": "fence", "number": 3})
    assert parse(text, "v40", "h").events == (LockEvent("v40", "acquire", 2, 1.5),)
    assert len(parse(text + "\n", "v40", "h").events) == 2


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[]",
        json.dumps({**LINE, "event": "acquired"}),
        json.dumps({**LINE, "event": "release"}),
        json.dumps({**LINE, "turn": 1}),
        json.dumps({**LINE, "client": "v42"}),
        json.dumps({**LINE, "at": "now"}),
        json.dumps({**LINE, "pid": 3}),
        json.dumps({"client": "v40"}),
    ],
)
def test_a_line_of_another_kind_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="v40, line 2"):
        parse(json.dumps(LINE) + "\n" + line + "\n", "v40", "h")


def own(folder: Path, *names: str, seconds: float, program: Path) -> list[LockHistory]:
    """Owners side by side on a local file, each ended by SIGTERM after its turn."""
    processes = [
        subprocess.Popen([sys.executable, program, name, folder / "file", folder / f"{name}.log", "7"])
        for name in names
    ]
    for process in processes:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(seconds)
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    return [parse((folder / f"{name}.log").read_text(), name, "here") for name in names]


def test_owners_of_one_local_file_have_a_correct_history(tmp_path: Path) -> None:
    histories = own(tmp_path, "one", "two", seconds=2.0, program=GUEST / "lock_logger.py")
    assert check(histories, {}) == []
    events = [event for history in histories for event in history.events]
    assert [event.event for event in events].count("end") == 2
    released = [event for event in events if event.event == "release"]
    assert len(released) >= 2
    assert int((tmp_path / "file").read_text()) == max(event.number or 0 for event in released)


def test_owners_that_take_no_lock_are_found_out(tmp_path: Path) -> None:
    text = (GUEST / "lock_logger.py").read_text()
    free = tmp_path / "without_lock.py"
    free.write_text(
        text.replace("fcntl.lockf(", "id((").replace("LOCK_NB)", "LOCK_NB))").replace("_UN)", "_UN))")
    )
    histories = own(tmp_path, "one", "two", "three", seconds=1.5, program=free)
    assert TWO_OWNERS in {violation.kind for violation in check(histories, {})}


def test_an_error_of_the_file_is_logged_and_the_owner_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (history,) = own(tmp_path, "one", seconds=2.0, program=GUEST / "lock_logger.py")
    errors = [event for event in history.events if event.event == "error"]
    assert {(event.errno, event.step) for event in errors} == {("EISDIR", "open")}
    assert len(errors) > 1
