"""The topology as a drawing: volumes, servers, clients and the lines between them, in pixels of an SVG."""

from __future__ import annotations

from dataclasses import dataclass

from failover.model.attachments import described
from failover.model.observation import ClientStatus, Presence
from failover.model.stack_output import Stack
from failover.status.sight import NOT_LOOKED_AT, Sight, Unread
from failover.status.voices import mounted_from

WIDTH = 960
_ROW, _HEIGHT, _TOP = 64, 46, 34
_VOLUMES, _SERVERS, _CLIENTS = (8, 230), (340, 280), (722, 230)  # where a column begins, and its width
_MOST_CLIENTS = 12  # beyond, those of one server share a box
GOOD, BAD, IDLE, UNKNOWN = "good", "bad", "idle", "unknown"


@dataclass(frozen=True)
class Box:
    """One thing. `state`: GOOD, BAD, IDLE or UNKNOWN."""

    x: int
    y: int
    width: int
    height: int
    title: str
    detail: str
    state: str


@dataclass(frozen=True)
class Line:
    """From one box to another: an attachment, or a mount."""

    x1: int
    y1: int
    x2: int
    y2: int
    state: str


@dataclass(frozen=True)
class Topology:
    """Everything that the SVG consists of. `height` in pixels."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    height: int


@dataclass(frozen=True)
class _Entry:
    """What a box shows. `to`: the servers that it is joined to."""

    title: str
    detail: str
    state: str
    to: tuple[str, ...] = ()


def draw(sight: Sight) -> Topology:
    """The whole site; empty without Terraform's state."""
    stack = sight.stack
    if isinstance(stack, Unread):
        return Topology((), (), 0)
    columns = (_volumes(sight, stack), _servers(sight, stack), _clients(sight, stack))
    rows = max(len(column) for column in columns)
    places = {e.title: _TOP + row * _ROW for row, e in enumerate(columns[1])}
    boxes: list[Box] = []
    lines: list[Line] = []
    for (x, width), column in zip((_VOLUMES, _SERVERS, _CLIENTS), columns, strict=True):
        for row, entry in enumerate(column):
            y = _TOP + row * _ROW
            boxes.append(Box(x, y, width, _HEIGHT, entry.title, entry.detail, entry.state))
            right = x > _SERVERS[0]
            start, end = (x, sum(_SERVERS)) if right else (x + width, _SERVERS[0])
            lines += [
                Line(start, y + _HEIGHT // 2, end, places[name] + _HEIGHT // 2, entry.state)
                for name in entry.to
                if name in places
            ]
    return Topology(tuple(boxes), tuple(lines), _TOP + rows * _ROW)


def _volumes(sight: Sight, stack: Stack) -> list[_Entry]:
    return [_volume(name, sight, stack) for name in stack.volumes]


def _volume(name: str, sight: Sight, stack: Stack) -> _Entry:
    many = sight.attachments.get(name, NOT_LOOKED_AT)
    if isinstance(many, Unread):
        return _Entry(name, "attachment unknown", UNKNOWN)
    to = [server.name for one in many if (server := stack.server_of(one.instance_id))]
    right = to == [stack.active] and many[0].state == "ATTACHED"
    return _Entry(name, described(many, stack), GOOD if right else BAD, tuple(to))


def _servers(sight: Sight, stack: Stack) -> list[_Entry]:
    entries = []
    for name, server in stack.servers.items():
        one, power = sight.servers.get(name), sight.states.get(name)
        word = "instance unknown" if isinstance(power, Unread) else power or "no instance yet"
        state, serves = IDLE, ""
        if one and one.answer:
            serves = ", serves" if one.answer.present else ", does not serve"
            expected = one.answer.present if name == stack.active else one.answer.released
            state = (GOOD if name == stack.active else IDLE) if expected else BAD
        elif name == stack.active or (one and one.presence in (Presence.SILENT, Presence.UNKNOWN)):
            state, serves = UNKNOWN, ", not known whether it serves"
        role = ", active" if name == stack.active else ""
        entries.append(_Entry(name, f"{word}{role}{serves}{_at(server.address)}", state))
    return entries


def _at(address: str | None) -> str:
    return f", {address}" if address else ""


def _clients(sight: Sight, stack: Stack) -> list[_Entry]:
    if len(sight.clients) <= _MOST_CLIENTS:
        return [_client(one, stack) for one in sight.clients]
    groups: dict[tuple[str | None, str], list[ClientStatus]] = {}
    for one in sight.clients:
        entry = _client(one, stack)
        groups.setdefault((entry.to[0] if entry.to else None, entry.state), []).append(one)
    return [
        _Entry(f"{len(many)} clients", _mounts(name, state), state, (name,) if name else ())
        for (name, state), many in groups.items()
    ]


def _client(one: ClientStatus, stack: Stack) -> _Entry:
    if one.answer is None:
        return _Entry(one.client.name, "mounts unknown", UNKNOWN)
    name = mounted_from(one, stack)
    state = GOOD if one.answer.present else BAD
    return _Entry(one.client.name, _mounts(name, state), state, (name,) if name else ())


def _mounts(name: str | None, state: str) -> str:
    if state == UNKNOWN:
        return "mounts unknown"
    return f"mounted from {name}" if name else "not mounted from one server"
