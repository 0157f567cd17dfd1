"""What is unprotected or not right now, and the one command that mends it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from failover.model import objective
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.objective import MISSED, ObjectiveResult
from failover.model.observation import Presence
from failover.model.outcome import Outcome
from failover.model.stack_output import Stack
from failover.runs.history import History, Kind
from failover.status.ready import NOT_READY, next_servers, readiness
from failover.status.sight import Sight, Unread, why_unknown
from failover.status.voices import API, DISAGREE, SERVERS, Voice, agreed, voices

_LISTED = 5
_WENT_WELL = (Outcome.DONE.value,)
_SERVED = (Outcome.DONE.value, Outcome.CLIENTS_LEFT.value)
_OFF = ("STOPPED", "STOPPING", *ENDING_OR_ENDED)


@dataclass(frozen=True)
class Gap:
    """Something that is unprotected or not right, and the one command that mends it."""

    what: str
    command: str


@dataclass(frozen=True)
class Judgement:
    """`agreement`: AGREE, DISAGREE or UNKNOWN (voices.py). `gaps`: the most urgent first."""

    voices: tuple[Voice, ...]
    agreement: str
    gaps: tuple[Gap, ...]
    objectives: tuple[ObjectiveResult, ...]
    next_servers: tuple[str, ...]

    @property
    def is_protected(self) -> bool:
        """Whether nothing is unprotected."""
        return not self.gaps


def judge(sight: Sight) -> Judgement:
    """All of it. What is not known is never taken for right, and never for down."""
    witnesses = voices(sight)
    agreement = agreed(witnesses)
    ready = next_servers(sight)
    results = objectives(sight)
    gaps = tuple(_gaps(sight, witnesses, agreement, ready, results))
    return Judgement(witnesses, agreement, gaps, results, ready)


def objectives(sight: Sight) -> tuple[ObjectiveResult, ...]:
    """Each objective of the site against its history; without an objective it is only shown."""
    wanted, now = sight.objectives, sight.at
    past = sight.history if isinstance(sight.history, History) else None
    if past is None:
        return ()
    run = next((e for e in reversed(past.entries) if e.kind == Kind.FAILOVER and e.outcome in _SERVED), None)
    lasted = run.facts.get("outage_seconds") if run else None
    least = bool(run and not run.facts.get("outage_exact"))
    entries = {kind: past.latest(kind, Outcome.DONE.value) for kind in (Kind.PREFLIGHT, Kind.REHEARSAL)}
    made = [i.created for i in sight.images.values() if not isinstance(i, Unread)]
    tested = {kind: entry.at if entry else None for kind, entry in entries.items()}
    return (
        objective.outage(
            float(lasted) if isinstance(lasted, int | float) else None, wanted.outage_seconds, least
        ),
        objective.age(
            "preflight_days", "a good preflight", tested[Kind.PREFLIGHT], now, wanted.preflight_days
        ),
        objective.age(
            "rehearsal_days", "a good rehearsal", tested[Kind.REHEARSAL], now, wanted.rehearsal_days
        ),
        *(
            (objective.age("image_days", "the image was taken", min(made), now, wanted.image_days),)
            if made
            else ()
        ),
    )


def _gaps(
    sight: Sight,
    voices: tuple[Voice, ...],
    agreement: str,
    ready: tuple[str, ...],
    results: tuple[ObjectiveResult, ...],
) -> list[Gap]:
    if isinstance(sight.stack, Unread):
        remedy = sight.stack.remedy or "./inv adopt --instance OCID (docs/adopt.md)"
        return [Gap(f"Terraform's state is not known: {sight.stack.reason}", remedy)]
    stack, gaps = sight.stack, []
    if sight.under_way:
        gaps.append(Gap(f"a run is under way: {sight.under_way}", "./inv report latest"))
    gaps += list(_of_service(sight, stack, voices))[:1]
    if not ready:
        held = any(sight.held(name) for name in stack.servers)
        gaps.append(Gap(_no_next(sight, stack), "./inv commit" if held else "./inv reprotect"))
    if agreement == DISAGREE and sight.commit:
        gaps.append(Gap("Git does not say who is active: a later merge would flip it back", sight.commit))
    gaps += _of_history(sight, results)
    return gaps


def _of_service(sight: Sight, stack: Stack, voices: tuple[Voice, ...]) -> Iterator[Gap]:
    """What is wrong with the service now; the first one is what it comes down to."""
    by_name = {v.witness: v for v in voices}
    api, servers, active = by_name[API], by_name[SERVERS], sight.servers.get(stack.active)
    others = [name for name in stack.servers if name != stack.active]
    over = f"./inv failover --active {others[0]}" if others else "./inv preflight"
    again = f"./inv failover --active {stack.active}"
    if api.known and api.server != stack.active:
        what = f"the volumes are not on {stack.active}, as Terraform's state says: {api.basis}"
        yield Gap(what, f"./inv failover --active {_target_of(sight, stack)}")
    if active and active.answer and not active.answer.present:
        yield Gap(f"{stack.active} does not serve: {active.answer.complaint}", again)
    if active and active.instance_state in _OFF:
        yield Gap(f"{stack.active} is {active.instance_state}", over)
    if active and active.presence in (Presence.SILENT, Presence.UNKNOWN):
        yield Gap(f"whether {stack.active} serves is not known: {why_unknown(active)}", over)
    if servers.known and servers.server != stack.active:
        yield Gap(f"not {stack.active} alone serves: {servers.basis}", "./inv verify")
    left = [c.client.name for c in sight.clients if c.answer and not c.answer.present]
    if left:
        more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
        yield Gap(f"clients do not mount from {stack.active}: {', '.join(left[:_LISTED])}{more}", again)


def _target_of(sight: Sight, stack: Stack) -> str:
    """Whoever the last run was to make active, where it did not end well: the same command goes on."""
    return sight.unfinished if sight.unfinished in stack.servers else stack.active


def _no_next(sight: Sight, stack: Stack) -> str:
    others = [s for s in stack.servers.values() if s.name != stack.active]
    why = (
        "; ".join(readiness(s, sight).removeprefix(NOT_READY) for s in others)
        or "the stack has no other server"
    )
    return f"no next server: {why}"


def _of_history(sight: Sight, results: tuple[ObjectiveResult, ...]) -> list[Gap]:
    commands = {
        "preflight_days": "./inv preflight",
        "rehearsal_days": "./inv rehearse",
        "image_days": "./inv image",
    }
    gaps = []
    past = sight.history if isinstance(sight.history, History) else None
    last = past.latest(Kind.PREFLIGHT) if past else None
    if last and last.outcome not in _WENT_WELL:
        blocking = last.facts.get("blocking")
        named = ", ".join(map(str, blocking)) if isinstance(blocking, list) and blocking else last.outcome
        gaps.append(Gap(f"the last preflight did not end well: {named}", "./inv preflight"))
    elif past and last is None:
        gaps.append(
            Gap("there was no preflight yet: whether a failover would work is not known", "./inv preflight")
        )
    gaps += [
        Gap(one.line, commands[one.name])
        for one in results
        if one.verdict == MISSED and one.name in commands and not (one.name == "preflight_days" and gaps)
    ]
    return gaps
