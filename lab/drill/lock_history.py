"""Checks what the owners of one lock logged (lab/guest/lock_logger.py): pure, over all clients at once.

Times of two hosts are compared only as far as their clocks are known: what is reported happened whatever the
clocks' errors were.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

ACQUIRE, FENCE, CONFIRM, RELEASE, ERROR, END = "acquire", "fence", "confirm", "release", "error", "end"
_EVENTS = {ACQUIRE, FENCE, CONFIRM, RELEASE, ERROR, END}
TWO_OWNERS, FENCE_TWICE, FENCE_BACK = "two owners", "fence number twice", "fence number going back"
OVERWRITTEN, LOST, FAILED = "overwritten under the lock", "lost lock", "error"
KINDS = (TWO_OWNERS, FENCE_TWICE, FENCE_BACK, OVERWRITTEN, LOST, FAILED)


@dataclass(frozen=True)
class LockEvent:
    """A line of a log. `at`: seconds by the host's own clock. `number`: the fence number; `errno`: its name;
    `step`: what the error came from (open, lock, write, unlock)."""

    client: str
    event: str
    turn: int
    at: float
    number: int | None = None
    errno: str = ""
    step: str = ""


@dataclass(frozen=True)
class Clock:
    """How far a host's clock is ahead of the checker's, in seconds: at least `low`, at most `high`."""

    low: float = 0.0
    high: float = 0.0

    def also(self, other: Clock) -> Clock:
        """What holds at both measurements, and by a clock that drifts steadily between them."""
        return Clock(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class LockHistory:
    """One client's log. Clients with the same `host` have the same clock."""

    client: str
    host: str
    events: tuple[LockEvent, ...]


@dataclass(frozen=True)
class LockTurn:
    """One turn from its `acquire` on, by its host's clock. `sure`: the last moment of which the owner knows
    that it had the lock: its release, or its last sync. `open`: neither a release nor an error was logged.
    `numbers`: what it wrote, and read later in the turn."""

    client: str
    host: str
    turn: int
    start: float
    sure: float
    open: bool = True
    numbers: tuple[int, ...] = ()

    @property
    def fence(self) -> int | None:
        """The number that the owner wrote; None when it did not come to that."""
        return self.numbers[0] if self.numbers else None

    def __str__(self) -> str:
        number = f", number {self.fence}" if self.numbers else ""
        return f"{self.client} turn {self.turn} ({self.start:.3f} to {self.sure:.3f}{number})"


@dataclass(frozen=True)
class _Span:
    """A turn in the checker's time: each end at its earliest and at its latest."""

    turn: LockTurn
    start: tuple[float, float]
    sure: tuple[float, float]

    def overlaps(self, other: _Span) -> bool:
        """Whether both had the lock at one moment, whatever the clocks' errors were."""
        return min(self.sure[0], other.sure[0]) > max(self.start[1], other.start[1])

    def after(self, other: _Span) -> bool:
        """Whether it began after all that the other owner is sure of, whatever the clocks' errors were."""
        return self.start[0] > other.sure[1]


@dataclass(frozen=True)
class Violation:
    """One of KINDS, with the clients whose turns it is made of, and the turns in words."""

    kind: str
    clients: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def parse(text: str, name: str, host: str) -> LockHistory:
    """A log as LockHistory. A last line without its end is left out: its owner was killed while it wrote.

    Raises ValueError with the line's number when a line is none of the logger's, or out of order.
    """
    events: list[LockEvent] = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        event = _event(line, f"{name}, line {number}")
        before = events[-1] if events else None
        if event.client != name:
            raise ValueError(f"{name}, line {number}: it is of client {event.client!r}")
        if before and event.turn < before.turn:
            raise ValueError(f"{name}, line {number}: turn {event.turn} comes after turn {before.turn}")
        events.append(event)
    return LockHistory(name, host, tuple(events))


def _event(line: str, where: str) -> LockEvent:
    try:
        value = json.loads(line)
        event = LockEvent(**value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {line.strip()!r}: expected an event as JSON ({error})") from error
    known = isinstance(event.client, str) and isinstance(event.turn, int) and event.event in _EVENTS
    numbered = event.event not in (FENCE, CONFIRM, RELEASE) or isinstance(event.number, int)
    if not known or not numbered or not isinstance(event.at, int | float):
        raise ValueError(f"{where}: {line.strip()!r}: expected one of {', '.join(sorted(_EVENTS))}")
    return event


def measured(before: float, answer: float, after: float) -> Clock:
    """A host's clock, from its `answer` to a question that was sent at `before` and answered at `after`."""
    return Clock(answer - after, answer - before)


def turns_in(history: LockHistory) -> list[LockTurn]:
    """The client's turns that got the lock, in the order of its log."""
    made: list[LockTurn] = []
    current: int | None = None
    for event in history.events:
        if event.event == ACQUIRE:
            current = event.turn
            made.append(LockTurn(history.client, history.host, event.turn, event.at, event.at))
        elif current == event.turn and event.event != END:
            made[-1] = _extended(made[-1], event)
    return made


def _extended(turn: LockTurn, event: LockEvent) -> LockTurn:
    if event.event == ERROR:
        return replace(turn, open=False)
    numbers = (*turn.numbers, event.number) if event.number is not None else turn.numbers
    return replace(turn, open=event.event != RELEASE, sure=event.at, numbers=numbers)


def check(histories: Sequence[LockHistory], clocks: Mapping[str, Clock]) -> list[Violation]:
    """What no correct lock could have done. `clocks`: by host; not needed where all have one host.

    Raises ValueError when there are several hosts, and one of them has no clock.
    """
    turns = [turn for history in histories for turn in turns_in(history)]
    hosts = sorted({history.host for history in histories})
    violations = [*_errors(histories), *_overwritten(turns), *_twice(turns)]
    # the turns of one host are compared by its own clock: that one's error would hide what is plain
    groups = [[_span(turn, Clock()) for turn in turns if turn.host == host] for host in hosts]
    if len(hosts) > 1:
        if missing := sorted(set(hosts) - set(clocks)):
            raise ValueError(f"no clock offset is known of {', '.join(missing)}")
        groups.append([_span(turn, clocks[turn.host]) for turn in turns])
    for spans in groups:
        spans.sort(key=lambda span: span.start)
        violations += [*_together(spans), *_back(spans), *_lost(spans)]
    return list(dict.fromkeys(violations))


def _span(turn: LockTurn, clock: Clock) -> _Span:
    return _Span(
        turn,
        (turn.start - clock.high, turn.start - clock.low),
        (turn.sure - clock.high, turn.sure - clock.low),
    )


def _errors(histories: Iterable[LockHistory]) -> Iterator[Violation]:
    for history in histories:
        for event in history.events:
            if event.event == ERROR:
                text = f"{event.client} turn {event.turn}: {event.errno} from {event.step} at {event.at:.3f}"
                yield Violation(FAILED, (event.client,), text)


def _overwritten(turns: Iterable[LockTurn]) -> Iterator[Violation]:
    """A turn that read another number than its own while it had the lock."""
    for turn in turns:
        strange = [number for number in turn.numbers if number != turn.fence]
        if strange:
            yield Violation(OVERWRITTEN, (turn.client,), f"{turn} read {strange[0]}")


def _twice(turns: Iterable[LockTurn]) -> Iterator[Violation]:
    """A number that two turns wrote."""
    owners: dict[int, LockTurn] = {}
    for turn in turns:
        if turn.fence is None:
            continue
        owner = owners.setdefault(turn.fence, turn)
        if owner is not turn:
            yield Violation(FENCE_TWICE, _clients(owner, turn), f"{owner} and {turn}")


def _together(spans: Sequence[_Span]) -> Iterator[Violation]:
    """Two clients of which each was sure of the lock at one moment. `spans`: by their earliest start."""
    running: list[tuple[float, int, _Span]] = []  # the one that may have ended first is the first
    for place, later in enumerate(spans):
        while running and running[0][0] <= later.start[0]:
            heapq.heappop(running)
        for _, _, earlier in running:
            if earlier.turn.client != later.turn.client and earlier.overlaps(later):
                yield Violation(
                    TWO_OWNERS, _clients(earlier.turn, later.turn), f"{earlier.turn} and {later.turn}"
                )
        heapq.heappush(running, (later.sure[1], place, later))


def _back(spans: Sequence[_Span]) -> Iterator[Violation]:
    """A number lower than that of a turn which had ended before. `spans`: by their earliest start."""
    numbered = [(span.turn.fence, span) for span in spans if span.turn.fence is not None]
    ended = sorted(numbered, key=lambda pair: pair[1].sure[1])
    highest: tuple[int, _Span] | None = None
    place = 0
    for number, span in numbered:
        while place < len(ended) and span.after(ended[place][1]):
            if highest is None or ended[place][0] > highest[0]:
                highest = ended[place]
            place += 1
        if highest is not None and number < highest[0]:
            yield Violation(
                FENCE_BACK, _clients(highest[1].turn, span.turn), f"{span.turn} came after {highest[1].turn}"
            )


def _lost(spans: Sequence[_Span]) -> Iterator[Violation]:
    """An owner that never released and was given no error, while another turn got the lock."""
    for span in spans:
        later = [other for other in spans if other.after(span)] if span.turn.open else []
        if later:
            text = f"{span.turn} never released, and {later[0].turn} got it"
            yield Violation(LOST, _clients(span.turn, later[0].turn), text)


def _clients(*turns: LockTurn) -> tuple[str, ...]:
    return tuple(sorted({turn.client for turn in turns}))
