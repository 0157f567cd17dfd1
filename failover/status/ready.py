"""Which server could take over next, and how. Pure."""

from __future__ import annotations

from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.observation import Presence
from failover.model.stack_output import Server
from failover.status.sight import Sight, Unread, why_unknown

NOT_READY = "not ready: "


def next_servers(sight: Sight) -> tuple[str, ...]:
    """The servers that could take over now, with how: one that stands by, or an image to launch one from.

    A server that is off is none: what made it go off is not known to be mended (`./inv reprotect`).
    """
    if isinstance(sight.stack, Unread):
        return ()
    others = [s for s in sight.stack.servers.values() if s.name != sight.stack.active]
    return tuple(text for s in others if not (text := readiness(s, sight)).startswith(NOT_READY))


def readiness(server: Server, sight: Sight) -> str:
    """How this server could take over, in words that begin with NOT_READY where it could not."""
    if hold := sight.held(server.name):
        return f"{NOT_READY}{server.name} is held until {hold.moment}"
    state = sight.states.get(server.name)
    if isinstance(state, Unread):
        return f"{NOT_READY}{server.name}: its state is not known: {state.reason}"
    if server.launch and (not server.exists or state in ENDING_OR_ENDED):
        return _launched(server, sight)
    return _standing_by(server, sight) if state == "RUNNING" else f"{NOT_READY}{server.name} is {state}"


def _launched(server: Server, sight: Sight) -> str:
    image = sight.images.get(server.name)
    if image is None:
        return f"{server.name} can be launched from an image (it was not looked at)"
    if isinstance(image, Unread):
        return f"{NOT_READY}{server.name}: its image is not known: {image.reason}"
    if image.state != "AVAILABLE":
        return f"{NOT_READY}{server.name}: its image {image.name} is {image.state}"
    return f"{server.name} is launched from {image.name}"


def _standing_by(server: Server, sight: Sight) -> str:
    one = sight.servers.get(server.name)
    if one is None or one.presence is Presence.NOT_ASKED:
        why = one.trouble.reason if one and one.trouble else "it was not asked"
        return f"{server.name} stands by ({why})"
    if one.presence is not Presence.ANSWERS:
        return f"{NOT_READY}{server.name}: {why_unknown(one)}"
    if one.answer is None or one.answer.released:
        return f"{server.name} stands by"
    return f"{NOT_READY}{server.name} still has something of the service: {one.answer.unreleased}"
