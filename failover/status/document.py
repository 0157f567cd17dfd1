"""The status as JSON-ready values: all that the screen shows, and nothing that is cut short."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from failover.cloud.resources import ImageFacts
from failover.model.attachments import described
from failover.model.observation import ClientStatus, ServerStatus
from failover.model.stack_output import Stack
from failover.runs.history import Entry, History, Kind
from failover.runs.hold import Hold
from failover.status.image_drift import image_drift
from failover.status.judge import Judgement
from failover.status.sight import Sight, Unread
from failover.status.voices import mounted_from

VERSION = 1


def document(sight: Sight, judged: Judgement) -> dict[str, Any]:
    """Values that are not known are null; `unknown` has the reasons."""
    return {
        "version": VERSION,
        "site": sight.site,
        "at": sight.at.isoformat(),
        "seconds": round(sight.seconds, 3),
        "active": sight.active,
        "agreement": judged.agreement,
        "witnesses": [one.document() for one in judged.voices],
        "servers": _servers(sight),
        "volumes": _volumes(sight),
        "clients": _clients(sight),
        "service_address": sight.stack.service_ip if isinstance(sight.stack, Stack) else None,
        "images": {n: None if isinstance(i, Unread) else _image(i, sight) for n, i in sight.images.items()},
        "last": {kind.value: _entry(sight, kind) for kind in Kind},
        "objectives": [one.document() for one in judged.objectives],
        "next_servers": list(judged.next_servers),
        "protected": judged.is_protected,
        "unprotected": [asdict(gap) for gap in judged.gaps],
        "command": judged.gaps[0].command if judged.gaps else None,
        "under_way": sight.under_way or None,
        "held": _held(sight),
        "unknown": list(sight.unread()),
    }


def _image(image: ImageFacts, sight: Sight) -> dict[str, Any]:
    entry = image_drift(image, sight)
    drift = {**entry.facts["image"], "at": entry.at.isoformat()} if entry else None
    return {
        "name": image.name,
        "state": image.state,
        "created": image.created.isoformat(),
        "drift": drift,
    }


def _held(sight: Sight) -> dict[str, Any] | None:
    """The server that is held now; null for none."""
    hold = sight.hold
    return hold.document() if isinstance(hold, Hold) and sight.held(hold.server) else None


def _servers(sight: Sight) -> dict[str, Any]:
    return {name: _host(sight.servers.get(name), sight.states.get(name)) for name in sight.states}


def _host(one: ServerStatus | None, state: str | Unread | None) -> dict[str, Any]:
    return {
        "instance": "unknown" if isinstance(state, Unread) else state,
        "presence": one.presence.value if one else None,
        "layers": _layers(one),
    }


def _layers(one: ServerStatus | ClientStatus | None) -> dict[str, Any] | None:
    """Each layer's state and message; null where the host was not, or could not be, checked."""
    if one is None or one.answer is None:
        return None
    return {x.layer: {"state": x.state, "message": x.message} for x in one.answer.layers}


def _volumes(sight: Sight) -> dict[str, Any]:
    stack = sight.stack
    if isinstance(stack, Unread):
        return {}
    attachments = {n: None if isinstance(many, Unread) else many for n, many in sight.attachments.items()}
    return {n: None if many is None else described(many, stack) for n, many in attachments.items()}


def _clients(sight: Sight) -> dict[str, Any]:
    stack = sight.stack
    return {
        one.client.name: {
            "presence": one.presence.value,
            "mounted_from": mounted_from(one, stack) if isinstance(stack, Stack) and one.answer else None,
            "layers": _layers(one),
        }
        for one in sight.clients
    }


def _entry(sight: Sight, kind: Kind) -> dict[str, Any] | None:
    entry: Entry | None = sight.history.latest(kind) if isinstance(sight.history, History) else None
    if entry is None:
        return None
    return {**asdict(entry), "at": entry.at.isoformat(), "facts": dict(entry.facts)}
