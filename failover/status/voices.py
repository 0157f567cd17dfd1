"""Who is active by each witness, and whether they agree. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from failover.model.observation import ClientStatus, ServerStatus
from failover.model.stack_output import Stack
from failover.status.sight import NOT_LOOKED_AT, Sight, Unread

AGREE, DISAGREE, UNKNOWN = "agree", "disagree", "unknown"
API, SERVERS = "the API", "the servers"


@dataclass(frozen=True)
class Voice:
    """One witness. `server`: who is active by it; None: nobody, or it is not known (`known` False).

    `found`: what it rests on, for a person.
    """

    witness: str
    server: str | None
    found: str
    known: bool = True


def agreed(voices: tuple[Voice, ...]) -> str:
    """DISAGREE when two that are known differ; UNKNOWN when one is not known."""
    named = {v.server for v in voices if v.known}
    if len(named) > 1:
        return DISAGREE
    return UNKNOWN if not named or any(not v.known for v in voices) else AGREE


def voices(seen: Sight) -> tuple[Voice, ...]:
    """Every witness that there is."""
    return tuple(one for one in _voices(seen) if one)


def _voices(seen: Sight) -> list[Voice | None]:
    if isinstance(seen.stack, Unread):
        state = Voice("Terraform's state", None, seen.stack.reason, known=False)
        return [state, *_files(seen)]
    switched = seen.switched
    by = (
        f"switched by {switched.by} ({switched.door})"
        if switched and not isinstance(switched, Unread)
        else ""
    )
    state = Voice("Terraform's state", seen.stack.active, by)
    return [state, *_files(seen), _api(seen, seen.stack), _servers(seen), _clients(seen, seen.stack)]


def _files(seen: Sight) -> list[Voice | None]:
    return [_file("active.auto.tfvars", seen.written), _file("Git (HEAD)", seen.committed)]


def _file(name: str, found: str | Unread | None) -> Voice | None:
    if found is None or found is NOT_LOOKED_AT:
        return None
    if isinstance(found, Unread):
        return Voice(name, None, found.reason, known=False)
    return Voice(name, found, "")


def _api(seen: Sight, stack: Stack) -> Voice:
    unread = [n for n, found in seen.attachments.items() if isinstance(found, Unread)]
    if unread or not seen.attachments:
        return Voice(API, None, f"not known: {', '.join(unread) or 'volumes'}", known=False)
    holders: dict[str | None, list[str]] = {}
    for volume, many in seen.attachments.items():
        if isinstance(many, Unread):
            continue
        on = {a.instance_id for a in many if a.state == "ATTACHED"}
        server = stack.server_of(next(iter(on))) if len(on) == len(many) == 1 else None
        holders.setdefault(server.name if server else None, []).append(volume)
    words = ", ".join(f"{'+'.join(v)} on {name or 'none of the servers'}" for name, v in holders.items())
    return Voice(API, next(iter(holders)) if len(holders) == 1 else None, words)


def _servers(seen: Sight) -> Voice | None:
    """Who serves, by the servers' own checks. A silent one is not known, so another one must serve."""
    if not seen.reach:
        return Voice(SERVERS, None, "hosts are not reached from here", known=False)
    serving = [name for name, one in seen.servers.items() if one.answer and one.answer.present]
    doubt = [name for name, one in seen.servers.items() if not _is_settled(one)]
    words = ", ".join(f"{name} serves" for name in serving) or "none of those that answer serves"
    if doubt:
        words += f"; not known: {', '.join(doubt)}"
    server = serving[0] if len(serving) == 1 else None
    return Voice(SERVERS, server, words, known=bool(serving) or not doubt)


def _is_settled(one: ServerStatus) -> bool:
    """Whether it is known that the server serves, or that it does not."""
    off = one.instance_state in ("STOPPED", "TERMINATED", "TERMINATING") or not one.server.exists
    return off or one.answer is not None


def _clients(seen: Sight, stack: Stack) -> Voice | None:
    if not seen.clients:
        return None
    found = Counter(mounted_from(one, stack) for one in seen.clients if one.answer)
    silent = sum(one.answer is None for one in seen.clients)
    words = [f"{count} of {len(seen.clients)} from {name or 'no server'}" for name, count in found.items()]
    words += [f"{silent} not known"] if silent else []
    named = {name for name in found if name}  # one without a mount is no witness of who is active
    server = next(iter(named)) if len(named) == 1 else None
    return Voice("the clients", server, ", ".join(words), known=bool(named))


def mounted_from(one: ClientStatus, stack: Stack) -> str | None:
    """The server that a client's mounts come from; None for none, several, or a stranger.

    The hooks' own judgement where all is right; else the address that its kernel asks.
    """
    if one.answer and one.answer.present:
        return stack.active
    facts = [layer.facts.get("addresses") for layer in one.answer.layers] if one.answer else []
    asked = {str(a) for each in facts if isinstance(each, dict) for a in each.values() if a}
    names = {_owner(address, stack) for address in asked}
    return names.pop() if len(names) == 1 else None


def _owner(address: str, stack: Stack) -> str | None:
    return next((s.name for s in stack.servers.values() if address in s.addresses), None)
