"""A Plan as JSON-ready values and back: what `plan --json` prints, and what the journal keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.plan.model import Plan, Step, StepKind

VERSION = 1
FENCES = {
    StepKind.RELEASE: "it releases the volumes itself",
    StepKind.POWER_OFF: "its power is cut, proven by the API",
    StepKind.CUT_OFF: "its power is cut if the API can; if not, the detach itself is the fence (--unplanned)",
}


def document(plan: Plan) -> dict[str, Any]:
    """All of the plan. `fences`, `clients` and every `expected_seconds` follow from the rest."""
    return {
        "version": VERSION,
        "target": plan.target,
        "loser": plan.loser,
        "steps": [_step(s) for s in plan.steps],
        "fences": [{"server": s.subject, "how": FENCES[s.kind]} for s in plan.steps if s.kind in FENCES],
        "clients": [s.subject for s in plan.steps if s.kind is StepKind.CLIENT],
        "expected_seconds": expected_seconds(plan),
        "notes": list(plan.notes),
        "evidence": list(plan.evidence),
    }


def parse(plan_document: Mapping[str, Any]) -> Plan:
    """The Plan in a document of this module; raises KeyError, ValueError or TypeError when it holds none."""
    if plan_document["version"] != VERSION:
        raise ValueError(f"plan: found version {plan_document['version']}, expected {VERSION}")
    steps = (
        Step(StepKind(s["kind"]), s["subject"], s["why"], tuple(s["after"])) for s in plan_document["steps"]
    )
    evidence = tuple(plan_document.get("evidence", ()))  # journals of older runs have none
    return Plan(
        plan_document["target"], plan_document["loser"], tuple(steps), tuple(plan_document["notes"]), evidence
    )


def expected_seconds(plan: Plan) -> int:
    """How long the plan usually takes: its longest chain, since steps without order run side by side."""
    ends: dict[str, int] = {}
    for step in plan.steps:  # a step comes after those it waits for
        ends[step.name] = step.expected_seconds + max((ends[a] for a in step.after if a in ends), default=0)
    return max(ends.values(), default=0)


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind.value,
        "subject": step.subject,
        "why": step.why,
        "after": list(step.after),
        "expected_seconds": step.expected_seconds,
    }
