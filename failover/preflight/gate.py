"""The prechecks of a run: after its plan, before anything is touched. Nothing is asked twice."""

from __future__ import annotations

from failover.cloud.inventory import CloudReads
from failover.hosts.hook_runner import Hosts
from failover.model.observation import Observation, Presence
from failover.model.site import Site
from failover.observe.observer import Observer
from failover.plan.invariant import holders
from failover.plan.model import Kind, Plan
from failover.preflight import catalogue, runner
from failover.preflight.check import Check, Result, of
from failover.preflight.context import Ground
from failover.stack.runner import StackRunner


def checks(
    plan: Plan, seen: Observation, site: Site, terraform: StackRunner, hosts: Hosts, observer: Observer
) -> tuple[Check, ...]:
    """The checks for this plan; none for one that moves no volume (its steps touch hosts alone)."""
    if not _switches(plan):
        return ()
    serves = any(h.presence is Presence.ANSWERS for h in holders(seen))
    ground = _ground(seen, site, terraform, hosts, observer)
    return runner.run(catalogue.of_a_run(ground, serves), ground)


def foreseen(
    plan: Plan, seen: Observation, site: Site, terraform: StackRunner, hosts: Hosts, observer: Observer
) -> tuple[str, ...]:
    """What the hosts' own judgement would stop a run with, for a plan that is only shown: a note each."""
    if not _switches(plan) or not site.ssh.reach:
        return ()
    found = runner.run(catalogue.SURVEYS, _ground(seen, site, terraform, hosts, observer))
    refused = tuple(f"a run would be refused: {c.found} ({c.remedy})" for c in of(found, Result.BLOCKING))
    return refused + notes(found)


def _switches(plan: Plan) -> bool:
    return any(s.kind is Kind.SWITCH for s in plan.steps)


def _ground(
    seen: Observation, site: Site, terraform: StackRunner, hosts: Hosts, observer: Observer
) -> Ground:
    reads = CloudReads(site.cloud, site.deadlines.api)
    return Ground(site, seen.stack, seen.target, reads, terraform, hosts, observer, seen)


def notes(found: tuple[Check, ...]) -> tuple[str, ...]:
    """The warnings, for the report."""
    return tuple(f"preflight: {c.name}: {c.found} ({c.remedy})" for c in of(found, Result.WARNING))
