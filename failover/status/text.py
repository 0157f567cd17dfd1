"""The status as one screen of text."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from failover.cloud.resources import ImageFacts
from failover.model.attachments import described
from failover.model.duration import moment
from failover.model.objective import NOT_KNOWN, ago
from failover.model.observation import Presence, ServerStatus
from failover.model.stack_output import Stack
from failover.runs.history import Entry, History, Kind
from failover.runs.hold import Hold
from failover.status.image_drift import image_drift
from failover.status.judge import Judgement
from failover.status.sight import NOT_LOOKED_AT, Sight, Unread
from failover.status.voices import AGREE, Voice

LAYERS = ("iscsi", "lvm", "filesystem", "nfs", "address")
_LISTED = 12  # a screen; --json has them all


def show(sight: Sight, judged: Judgement, console: Console) -> None:
    """Everything, the most important first and last."""
    console.print(f"{sight.site}, {moment(sight.at)} ({sight.seconds:.1f} s)", markup=False)
    for line in brief(sight, judged):
        console.print(line, markup=False)
    console.print(witnesses(judged.voices))
    if isinstance(sight.stack, Stack):
        console.print(servers(sight, sight.stack))
        console.print(volumes(sight, sight.stack))
        for line in _service(sight.stack):
            console.print(line, markup=False)
    demanded = [one.line for one in judged.objectives if one.verdict != NOT_KNOWN]
    for line in (*past(sight), *demanded, *_shortened(sight.unread(), "unknown: ")):
        console.print(line, markup=False)
    for gap in judged.gaps:
        console.print(f"unprotected: {gap.what}", markup=False)
    if judged.gaps:
        console.print(f"   do this: {judged.gaps[0].command}", markup=False)


def brief(sight: Sight, judged: Judgement) -> list[str]:
    """The short form: who is active, whether that is agreed on, and what could take over next."""
    if sight.active is None:
        return ["active server: not known"]
    agreed = {AGREE: "agreed"}.get(judged.agreement, f"witnesses: {judged.agreement}")
    ready = "; ".join(judged.next_servers) or "none: the site is unprotected"
    held = isinstance(sight.hold, Hold) and sight.held(sight.hold.server)
    kept = [f"held server:   {held.line}"] if held else []
    return [f"active server: {sight.active} ({agreed})", f"next server:   {ready}", *kept]


def witnesses(voices: tuple[Voice, ...]) -> Table:
    """A row for each witness."""
    made = _table("witness", "active", "by")
    for one in voices:
        made.add_row(one.witness, (one.server or "none") if one.known else "unknown", escape(one.basis))
    return made


def servers(sight: Sight, stack: Stack) -> Table:
    """A row for each server: power, address, volumes, and the state of each layer on it."""
    made = _table("server", "instance", "address", "volumes", *LAYERS)
    for name, server in stack.servers.items():
        state = sight.states.get(name)
        power = "unknown" if isinstance(state, Unread) else state or "none yet"
        held = ", ".join(sight.held_by(name)) or "-"
        made.add_row(name, power, server.address or "-", held, *layers(sight.servers.get(name)))
    return made


def layers(one: ServerStatus | None) -> list[str]:
    """The state of each layer by the server's own check."""
    if one is None or one.answer is None:
        known = one is not None and one.presence in (Presence.SILENT, Presence.UNKNOWN)
        word = "unknown" if known else "-"
        return [word] * len(LAYERS)
    states = {layer.layer: layer.state for layer in one.answer.layers}
    return [states.get(name, "-") for name in LAYERS]


def volumes(sight: Sight, stack: Stack) -> Table:
    """A row for each volume: its attachment by the API."""
    made = _table("volume", "attachment by the API")
    for name in stack.volumes:
        many = sight.attachments.get(name, NOT_LOOKED_AT)
        made.add_row(name, "unknown" if isinstance(many, Unread) else described(many, stack))
    return made


def _service(stack: Stack) -> list[str]:
    names = [name for name in (stack.service_ip, stack.dns_name) if name]
    exports = [str(e["path"]) for e in stack.spec.get("exports", [])]
    where = ", ".join(names) or f"none: clients mount from {stack.active} by its own names"
    return [f"service address: {where}; exports: {', '.join(exports) or 'none'}"]


def past(sight: Sight) -> list[str]:
    """The newest preflight, rehearsal, failover and image, each with its objective."""
    if not isinstance(sight.history, History):
        return []
    lines = [
        _last(kind, sight.history.latest(kind), sight)
        for kind in (Kind.PREFLIGHT, Kind.REHEARSAL, Kind.FAILOVER)
    ]
    lines += [
        f"image of {name}: {image.name}, {image.state}, taken {ago(image.created, sight.at)}; "
        f"{compared(image, sight)}"
        for name, image in sight.images.items()
        if not isinstance(image, Unread)
    ]
    return lines + [f"unknown: {line}" for line in sight.history.broken]


def compared(image: ImageFacts, sight: Sight) -> str:
    """What the newest preflight since the image was taken found that it lacks of the active server."""
    entry = image_drift(image, sight)
    if entry is None:
        return "not compared with the active server yet: ./inv preflight"
    return f"{entry.facts['image']['drift']} (preflight {ago(entry.at, sight.at)})"


def _last(kind: str, entry: Entry | None, sight: Sight) -> str:
    if entry is None:
        return f"last {kind}: never"
    about = entry.facts.get("target")
    towards = f" to {about}" if about else ""
    return f"last {kind}{towards}: {entry.outcome}, {ago(entry.at, sight.at)}, {entry.seconds:.0f} s"


def _shortened(lines: tuple[str, ...], prefix: str) -> list[str]:
    more = [f"{prefix}and {len(lines) - _LISTED} more (--json)"] if len(lines) > _LISTED else []
    return [f"{prefix}{line}" for line in lines[:_LISTED]] + more


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
