"""Who is active by each witness, and whether they agree. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.observation import ClientStatus, ServerStatus
from failover.model.stack_output import Stack
from failover.status.sight import NOT_LOOKED_AT, Sight, Unread

AGREE, DISAGREE, UNKNOWN = "agree", "disagree", "unknown"
API, SERVERS = "the API", "the servers"


@dataclass(frozen=True)
class Voice:
    """One witness. `server`: who is active by it; None: nobody, or it is not known (`known` False).

    `basis`: what that rests on, for a person.
    """

    witness: str
    server: str | None
    basis: str
    known: bool = True

    def document(self) -> dict[str, object]:
        """JSON-ready values, with the keys that `status --json` has."""
        return {"witness": self.witness, "server": self.server, "actual": self.basis, "known": self.known}


def agreed(voices: tuple[Voice, ...]) -> str:
    """DISAGREE when two that are known differ; UNKNOWN when one is not known."""
    named = {v.server for v in voices if v.known}
    if len(named) > 1:
        return DISAGREE
    return UNKNOWN if not named or any(not v.known for v in voices) else AGREE


def voices(sight: Sight) -> tuple[Voice, ...]:
    """Every witness that there is."""
    return tuple(one for one in _voices(sight) if one)


def _voices(sight: Sight) -> list[Voice | None]:
    if isinstance(sight.stack, Unread):
        state = Voice("Terraform's state", None, sight.stack.reason, known=False)
        return [state, *_files(sight)]
    switched = sight.switched
    by = (
        f"switched by {switched.by} ({switched.door})"
        if switched and not isinstance(switched, Unread)
        else ""
    )
    state = Voice("Terraform's state", sight.stack.active, by)
    return [state, *_files(sight), _api(sight, sight.stack), _servers(sight), _clients(sight, sight.stack)]


def _files(sight: Sight) -> list[Voice | None]:
    return [_file("active.auto.tfvars", sight.written), _file("Git (HEAD)", sight.committed)]


def _file(name: str, server: str | Unread | None) -> Voice | None:
    if server is None or server is NOT_LOOKED_AT:
        return None
    if isinstance(server, Unread):
        return Voice(name, None, server.reason, known=False)
    return Voice(name, server, "")


def _api(sight: Sight, stack: Stack) -> Voice:
    unread = [n for n, reading in sight.attachments.items() if isinstance(reading, Unread)]
    if unread or not sight.attachments:
        return Voice(API, None, f"not known: {', '.join(unread) or 'volumes'}", known=False)
    holders: dict[str | None, list[str]] = {}
    for volume, many in sight.attachments.items():
        if isinstance(many, Unread):
            continue
        on = {a.instance_id for a in many if a.state == "ATTACHED"}
        server = stack.server_of(next(iter(on))) if len(on) == len(many) == 1 else None
        holders.setdefault(server.name if server else None, []).append(volume)
    words = ", ".join(f"{'+'.join(v)} on {name or 'none of the servers'}" for name, v in holders.items())
    return Voice(API, next(iter(holders)) if len(holders) == 1 else None, words)


def _servers(sight: Sight) -> Voice | None:
    """Who serves, by the servers' own checks. A silent one is not known, so another one must serve."""
    if not sight.reach:
        return Voice(SERVERS, None, "hosts are not reached from here", known=False)
    serving = [name for name, one in sight.servers.items() if one.answer and one.answer.present]
    doubt = [name for name, one in sight.servers.items() if not _is_settled(one)]
    words = ", ".join(f"{name} serves" for name in serving) or "none of those that answer serves"
    if doubt:
        words += f"; not known: {', '.join(doubt)}"
    server = serving[0] if len(serving) == 1 else None
    return Voice(SERVERS, server, words, known=bool(serving) or not doubt)


def _is_settled(one: ServerStatus) -> bool:
    """Whether it is known that the server serves, or that it does not."""
    off = one.instance_state in ("STOPPED", *ENDING_OR_ENDED) or not one.server.exists
    return off or one.answer is not None


def _clients(sight: Sight, stack: Stack) -> Voice | None:
    if not sight.clients:
        return None
    counts = Counter(mounted_from(one, stack) for one in sight.clients if one.answer)
    silent = sum(one.answer is None for one in sight.clients)
    words = [f"{count} of {len(sight.clients)} from {name or 'no server'}" for name, count in counts.items()]
    words += [f"{silent} not known"] if silent else []
    named = {name for name in counts if name}  # one without a mount is no witness of who is active
    server = next(iter(named)) if len(named) == 1 else None
    return Voice("the clients", server, ", ".join(words), known=bool(named))


def mounted_from(one: ClientStatus, stack: Stack) -> str | None:
    """The server that a client's mounts come from; None for none, several, or a stranger.

    The hooks' own judgement where all is right; else the address that its kernel asks.
    """
    if one.answer and one.answer.present:
        return stack.active
    facts = [layer.facts.get("addresses") for layer in one.answer.layers] if one.answer else []
    addresses = {str(a) for each in facts if isinstance(each, dict) for a in each.values() if a}
    names = {_owner(address, stack) for address in addresses}
    return names.pop() if len(names) == 1 else None


def _owner(address: str, stack: Stack) -> str | None:
    return next((s.name for s in stack.servers.values() if address in s.addresses), None)
