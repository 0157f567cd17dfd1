"""The prechecks of a run: after its plan, before anything is touched. No question is asked twice."""

from __future__ import annotations

from failover.model.observation import Observation, Presence
from failover.plan.invariant import holders
from failover.plan.model import Plan, StepKind
from failover.ports import Ports
from failover.preflight import catalogue, runner
from failover.preflight.check import Check, CheckResult, of
from failover.preflight.context import Ground


def checks(plan: Plan, observation: Observation, ports: Ports) -> tuple[Check, ...]:
    """The checks for this plan; none for one that moves no volume (its steps touch hosts alone)."""
    if not _switches(plan):
        return ()
    serves = any(h.presence is Presence.ANSWERS for h in holders(observation))
    ground = Ground(ports, observation.stack, observation.target, observation)
    return runner.run(catalogue.of_a_run(ground, serves), ground)


def foreseen(plan: Plan, observation: Observation, ports: Ports) -> tuple[str, ...]:
    """What the hosts' own judgement would stop a run with, for a plan that is only shown: a note each."""
    if not _switches(plan) or not ports.site.ssh.reach:
        return ()
    results = runner.run(catalogue.SURVEYS, Ground(ports, observation.stack, observation.target, observation))
    refused = tuple(
        f"a run would be refused: {c.actual} ({c.remedy})" for c in of(results, CheckResult.BLOCKING)
    )
    return refused + notes(results)


def _switches(plan: Plan) -> bool:
    return any(s.kind is StepKind.SWITCH for s in plan.steps)


def notes(results: tuple[Check, ...]) -> tuple[str, ...]:
    """The warnings, for the report."""
    return tuple(f"preflight: {c.name}: {c.actual} ({c.remedy})" for c in of(results, CheckResult.WARNING))
