"""The switch: Terraform moves the attachments, and the API confirms it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.act import made_by_hand
from failover.act.context import Crew, Restoring, with_what_is_left
from failover.act.fence import assert_fenced
from failover.deadline import Deadline
from failover.model.attachments import Attachments
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.outcome import Failed, FailoverError, Refused
from failover.model.stack_output import Server
from failover.plan.model import Step
from failover.stack import addresses
from failover.stack.runner import SavedPlan
from failover.stack.switch_gate import SWITCH_MAY, gate


def switch(crew: Crew, step: Step) -> str:
    """Terraform moves the attachments; each holder is fenced at this moment, or the step is refused.

    Raises Refused, Failed or Unknown, with where the attachments are now.
    """
    target = crew.server(step.subject)
    _make_ready_beside(crew, target)
    fence = assert_fenced(crew, step, target)
    _record_what_is(crew, target, _settled(crew))
    if crew.restore:
        _replace_volumes(crew, crew.restore, target)
    try:
        plan = _planned(crew, {"active_server": target.name, "switch": crew.door.record(), **fence})
    except FailoverError:
        if crew.restore:
            crew.restore.undo()
        raise
    crew.runner.write_active(target.name)
    try:
        crew.runner.apply(plan, crew.site.deadlines.switch)
    except FailoverError as error:
        raise with_what_is_left(error, _attached_now(crew)) from error
    _assert_switched(crew, target)
    if crew.restore:
        crew.remarks.append(crew.restore.keep_old())
    crew.stack = crew.runner.read()
    portals = [f"{name} at {a.address}:{a.port}" for name, a in crew.held(target).items()]
    return f"attached to {target.name}: {', '.join(portals)}"


def _make_ready_beside(crew: Crew, target: Server) -> None:
    """Its boot service waits for this run. One that comes after it begins by today's spec, whenever it was
    born."""
    holds = crew.observation.attachments.held_by(target.instance_id)
    if crew.site.ssh.reach and not holds and target.name not in crew.made_ready:
        crew.announce(target)


def _planned(crew: Crew, variables: Mapping[str, Any]) -> SavedPlan:
    """The plan of the switch, which touches nothing else."""
    plan = made_by_hand.planned(crew, variables)
    if crew.door.checks_last_switch:
        # Again, and after the plan: Terraform does not apply one that is older than its state.
        crew.door.check(crew.runner.switched())
    gate(plan.changes, SWITCH_MAY, ("create", "update", "delete"))
    return plan


def _replace_volumes(crew: Crew, restore: Restoring, target: Server) -> None:
    """Name the copies to Terraform: each holder of the volumes of before is fenced now.

    A run that is killed after this writes the same again; it may have attached one of the copies already.
    """
    restore.write()
    crew.stack = restore.of(crew.stack)
    _record_what_is(crew, target, _settled(crew))


def _settled(crew: Crew) -> Attachments:
    """The attachments when none is ATTACHING or DETACHING: a change that a killed run began still goes on."""
    deadline = Deadline(crew.site.deadlines.switch)
    by_volume = {}
    for name, volume in crew.stack.volumes.items():
        by_volume[name] = crew.cloud.settled(crew.stack, volume.volume_id, deadline.left)
        if len(by_volume[name]) > 1:
            raise Refused(f"{name} is attached more than once", "detach the one that is wrong by hand")
    return Attachments(by_volume)


def _record_what_is(crew: Crew, target: Server, by_volume: Attachments) -> None:
    """Bring Terraform's state up to the API, after an apply that was killed or that misread a 404.

    The provider takes a 404 for "detached". An attachment that exists but is missing in the state would block
    the new one; a tainted one would be made twice.
    """
    recorded = crew.runner.recorded()
    for name, attachments in by_volume.items():
        address = addresses.attachment(name)
        for attachment in attachments:
            known = recorded.get(address)
            if known is None or known.id != attachment.id:
                crew.runner.adopt(address, attachment.id, {"active_server": target.name})
            elif known.tainted:
                crew.runner.untaint(address)
    for server in crew.stack.servers.values():
        address = addresses.instance(server.name)
        known = recorded.get(address)
        if known and known.tainted and crew.cloud.instance_state(known.id) not in ENDING_OR_ENDED:
            crew.runner.untaint(address)


def _assert_switched(crew: Crew, target: Server) -> None:
    """Whatever Terraform reports, every volume must be attached once, to the target, by the API."""
    attachments = crew.attachments()
    wrong = [_description(crew, name, attachments) for name in attachments.misplaced(target.instance_id)]
    if wrong:
        raise Failed(
            f"Terraform says that it is done, but by the API {'; '.join(wrong)}",
            "run the same command again: it starts from what the API says",
        )


def _attached_now(crew: Crew) -> str:
    try:
        attachments = crew.attachments()
    except FailoverError as error:
        return f"who holds the volumes is not known either ({error.reason})"
    return "by the API " + "; ".join(_description(crew, name, attachments) for name in attachments)


def _description(crew: Crew, name: str, attachments: Attachments) -> str:
    return f"{name} is {attachments.describe(name, crew.stack)}"
