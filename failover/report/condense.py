"""A site with hundreds of clients as a person reads it: clients that came to the same are one row. Pure.

The journal and report.json have every client; what is made here is for the terminal, the page and the ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from failover.model import nodeset
from failover.model.finding import Finding
from failover.model.nodeset import FEW
from failover.model.timeline import Phase
from failover.plan.model import Plan, Step, StepKind, split_name
from failover.report.record import FAILED, RunRecord, StepRecord

_GROUPS = 12  # of clients that are shown by themselves; the smaller ones are one row together
_NOTE = re.compile(r"client (\S+) (.*)", re.DOTALL)
T = TypeVar("T")
Groups = list[tuple[list[T], str]]  # the members, and what all of them came to


def record(run: RunRecord) -> RunRecord:
    """The run, its clients in groups where there are more than a few; otherwise as it is."""
    clients = [s for s in run.steps if s.kind is StepKind.CLIENT]
    condensed = replace(run, findings=findings(run.findings), notes=notes(run.notes))
    if len(clients) <= FEW:
        return condensed
    others = tuple(s for s in run.steps if s.kind is not StepKind.CLIENT)
    groups = _groups(clients, lambda s: s.subject, lambda s: f"{s.state}\0{s.message}")
    rows = sorted((_row(many) for many, _ in groups), key=lambda s: s.state == FAILED)
    return replace(condensed, steps=(*others, *rows))


def plan(whole: Plan) -> Plan:
    """The plan, its clients in groups: for showing, never for doing."""
    clients = [s for s in whole.steps if s.kind is StepKind.CLIENT]
    shown = replace(whole, notes=notes(whole.notes), evidence=notes(whole.evidence))
    if len(clients) <= FEW:
        return shown
    others = tuple(s for s in whole.steps if s.kind is not StepKind.CLIENT)
    groups = _groups(clients, lambda s: s.subject, lambda s: s.why)
    rows = tuple(Step(StepKind.CLIENT, _named(m, lambda s: s.subject), why, m[0].after) for m, why in groups)
    return replace(shown, steps=(*others, *rows))


def phases(done: Sequence[Phase]) -> list[Phase]:
    """All clients as one phase: they are brought over at the same time."""
    clients = [p for p in done if split_name(p.name)[0] is StepKind.CLIENT]
    if len(clients) <= FEW:
        return list(done)
    together = Phase(f"{len(clients)} clients", max(p.seconds for p in clients), "")
    first = next(n for n, p in enumerate(done) if p is clients[0])
    others = [p for p in done if split_name(p.name)[0] is not StepKind.CLIENT]
    return [*others[:first], together, *others[first:]]


def findings(every: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings of single clients in groups, those that are not right last of all."""
    single = [f for f in every if split_name(f.subject)[0] is StepKind.CLIENT]
    if len(single) <= FEW:
        return tuple(every)
    others = [f for f in every if split_name(f.subject)[0] is not StepKind.CLIENT]
    groups = _groups(single, lambda f: split_name(f.subject)[1], lambda f: f"{f.ok}\0{f.actual}")
    rows = [_finding(many, text.partition("\0")[2]) for many, text in groups]
    return tuple(sorted((*others, *rows), key=lambda f: not f.ok))


def notes(lines: Iterable[str]) -> tuple[str, ...]:
    """Notes on single clients in groups, after the others."""
    every = list(lines)
    single = [match.groups() for line in every if (match := _NOTE.fullmatch(line))]
    if len(single) <= FEW:
        return tuple(every)
    others = [line for line in every if not _NOTE.fullmatch(line)]
    groups = _groups(single, lambda one: one[0], lambda one: one[1])
    return (*others, *(f"client {_named(many, lambda one: one[0])} {text}" for many, text in groups))


def _groups(many: Sequence[T], name: Callable[[T], str], text: Callable[[T], str]) -> Groups[T]:
    """By what they came to, the largest group first; of many small ones the rest is one group."""
    by_text: dict[str, list[T]] = {}
    for one in many:
        by_text.setdefault(nodeset.impersonal(text(one), name(one)), []).append(one)
    groups = sorted(((members, key) for key, members in by_text.items()), key=lambda g: -len(g[0]))
    kept, rest = groups[:_GROUPS], groups[_GROUPS:]
    if not rest:
        return kept
    examples = "; ".join(f"{name(members[0])}: {key.rpartition(chr(0))[2]}" for members, key in rest[:3])
    state = rest[0][1].partition("\0")[0] + "\0" if "\0" in rest[0][1] else ""
    return [
        *kept,
        ([one for members, _ in rest for one in members], f"{state}each for itself, as {examples}"),
    ]


def _named(many: Sequence[T], name: Callable[[T], str]) -> str:
    return nodeset.folded(name(one) for one in many)


def _row(many: Sequence[StepRecord]) -> StepRecord:
    """One bar for all of them: from the first one's beginning to the last one's end, with the slowest's
    seconds on its host."""
    started = [s for s in many if s.start is not None]
    start = min((s.start for s in started if s.start is not None), default=None)
    end = max((s.end for s in started), default=0.0)
    slowest = max(many, key=lambda s: s.seconds)
    text = nodeset.impersonal(slowest.message, slowest.subject)
    return replace(
        slowest,
        name=f"{StepKind.CLIENT.value} {_named(many, lambda s: s.subject)}",
        start=start,
        seconds=end - (start or 0.0),
        message=f"{len(many)}: {text}" if text else f"{len(many)} of them",
        hooks=slowest.hooks,
    )


def _finding(many: Sequence[Finding], text: str) -> Finding:
    names = _named(many, lambda f: split_name(f.subject)[1])
    return replace(many[0], subject=f"{StepKind.CLIENT.value} {names}", actual=f"{len(many)}: {text}")
