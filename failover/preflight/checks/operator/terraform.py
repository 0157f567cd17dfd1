"""Terraform: the state is free, a plan finds no drift, and a launch has its cloud-init document."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from failover.bundle.cloud_init import render_cloud_init, user_data
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.outcome import Refused
from failover.model.resource_change import Change
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground
from failover.stack import addresses
from failover.stack.switch_gate import SWITCH_MAY
from failover.stack.terraform_process import set_aside

LOCK, PLAN, RENDERED = "terraform lock", "terraform plan", "cloud-init"
ENVIRONMENT = "terraform environment"
NAME, RECORD = addresses.SERVICE_NAME_RECORD, "dns record"


def lock(ground: Ground) -> Iterator[Check]:
    """The lock of a local state, or the job of a stack; the lock of a backend shows in the plan."""
    yield judge_lock(ground.runner.lock_holder(), waits=ground.observation is not None)


def judge_lock(holder: str | None, waits: bool) -> Check:
    """`waits`: a run waits for the lock, until the Terraform process of a killed run has ended."""
    if holder is None:
        return ok(LOCK, "free")
    remedy = "wait for that run; if it hangs, find out why before you stop it"
    if waits:
        return warning(LOCK, f"held by {holder}", "free", "nothing: this run waits for it")
    return blocking(LOCK, f"held by {holder}", "free", remedy)


def environment(_: Ground) -> Iterator[Check]:
    """What the shell holds for Terraform and a run does not hand on; no check where it holds nothing."""
    if names := set_aside(os.environ):
        yield warning(
            ENVIRONMENT,
            f"{', '.join(names)}: set in this shell, and not used by a run",
            "neither arguments of Terraform nor what a run decides by itself",
            "unset it; what the site does need belongs into [terraform.environment] of the site file",
        )


def plan(ground: Ground) -> Iterator[Check]:
    """A plan of what is active now: whatever it would change has drifted. Only a run waits for a lock.

    It is never applied, so the stack's own fence need not hold yet: `fence` is the switch's value.
    """
    shown = {"fence": "storage"}
    try:
        # not of what active.auto.tfvars asks for: in a pull request's checkout that is the switch itself
        now = {**shown, "active_server": _planned_for(ground)}
        made = ground.runner.plan(now) if ground.observation else ground.runner.plan(now, lock_timeout="0s")
    except Refused as error:
        yield blocking(PLAN, error.reason, "a plan", error.remedy)
        return
    ground.runner.discard(made)
    yield judge_plan(made.changes, ground.target.name)
    for change in made.changes:
        if change.address == NAME and change.actions == ("create",):
            yield _name(ground, change)


def _planned_for(ground: Ground) -> str:
    """The active server, or the target where that is terminated: a plan refuses to attach anything to it."""
    active = ground.stack.servers[ground.stack.active]
    terminated = active.instance_id is not None and ground.server_state(active) in ENDING_OR_ENDED
    return ground.target.name if terminated else active.name


def _name(ground: Ground, change: Change) -> Check:
    """A record set is made on the condition that there is none (PatchRRSet with PROHIBIT)."""
    zone, domain, view = (change.after.get(key) for key in ("zone_name_or_id", "domain", "view_id"))
    return judge_name(str(zone), str(domain), view, ground.reads.records(str(zone), str(domain), view))


def judge_name(zone: str, name: str, view: str | None, records: Sequence[str]) -> Check:
    """`records`: what the name's A records say now."""
    if not records:
        return ok(RECORD, f"{name} has no record yet")
    where = f"zoneNameOrId/{zone}/domain/{name}/rtype/A" + (f"/scope/PRIVATE/viewId/{view}" if view else "")
    text = f"{name} has a record already, of {', '.join(records)}, which the state does not know"
    remedy = f"take it into the state, in the stack's folder: terraform import '{NAME}' {where}"
    return blocking(RECORD, text, "no record, or the stack's own", remedy)


def judge_plan(changes: Sequence[Change], target: str) -> Check:
    """Terraform plans no changes; changes that a failover makes anyway are a warning."""
    text = "; ".join(f"{'+'.join(c.actions)} {c.address}" for c in changes)
    if not changes:
        return ok(PLAN, "no changes")
    if all(_settled_by_a_failover(c, target) for c in changes):
        return warning(PLAN, text, "no changes", "nothing for a failover, which settles it; else apply it")
    remedy = "settle it by itself first: `terraform plan` in the stack's folder shows it"
    return blocking(PLAN, text, "no changes", remedy)


def _settled_by_a_failover(change: Change, target: str) -> bool:
    launch = change.address == addresses.instance(target) or change.address.startswith(
        addresses.vnics(target)
    )
    return change.address.startswith(SWITCH_MAY) or (launch and change.actions in (("create",), ("update",)))


def rendered(ground: Ground) -> Iterator[Check]:
    """rendered/user_data, when the target is to be launched."""
    if ground.target.exists or ground.target.adopted:
        yield ok(RENDERED, f"{ground.target.name} exists already")
        return
    yield judge_rendered((ground.runner.file("rendered/user_data") or "").strip(), current())


def current() -> str:
    """What `invoke render` would write now."""
    return user_data(render_cloud_init())


def judge_rendered(actual: str | None, expected: str) -> Check:
    """There, and made from the present templates and hooks."""
    if not actual:
        text = "rendered/user_data is missing: the server would be launched without its hooks"
        return blocking(RENDERED, text, "the rendered document", "run `invoke render`")
    if actual != expected:
        text = "rendered/user_data is not what the present hooks and templates give"
        return warning(RENDERED, text, "the rendered document", "run `invoke render`")
    return ok(RENDERED, "rendered from the present hooks")
