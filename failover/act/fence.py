"""A holder that can no longer write: it releases, or loses its power; and the proof of that."""

from __future__ import annotations

from typing import Any

from failover.act.context import Crew, expected
from failover.hosts import specs
from failover.model.instance_states import OFF
from failover.model.outcome import Failed, Refused, Unknown
from failover.model.stack_output import Server
from failover.plan.model import Step
from failover.runs.events import UNPROVEN


def release(crew: Crew, step: Step) -> str:
    """Have the old server give everything up; only its own check afterwards counts.

    Raises Failed when it still holds something, Unknown when it cannot be reached.
    """
    server = crew.server(step.subject)
    held = crew.attachments().held_by(server.instance_id)
    spec = specs.server_spec(crew.stack, held, crew.site.deadlines.hooks)
    host = crew.host(server)
    expected(crew.evidence.record_report(step, host.hooks("release", spec, crew.site.deadlines.hooks)))
    after = crew.evidence.record_report(step, host.hooks("check", spec, crew.site.deadlines.hooks))
    if not after.released:
        raise Failed(
            f"{server.name} still holds something after the release: {after.unreleased}",
            f"free it by hand on {server.name}, or power it off; then run the same command again",
        )
    crew.released.add(server.name)
    crew.evidence.record_fence(step, server.name, "its own check after the release", after.summary)
    return "released: nothing exported, mounted, active or logged in"


def power_off(crew: Crew, step: Step) -> str:
    """STOP through the API, until the API says STOPPED."""
    state = crew.cloud.power_off(crew.instance(step.subject), crew.site.deadlines.power)
    crew.evidence.record_fence(step, step.subject, "the API (GetInstance after STOP)", state)
    return f"instance is {state}"


def cut_off(crew: Crew, step: Step) -> str:
    """Like power_off, but what cannot be proven is recorded, and left to the detach: --unplanned."""
    try:
        return power_off(crew, step)
    except (Failed, Unknown) as error:
        crew.cut_off.add(step.subject)
        text = f"power off is not proven: {error.reason}"
        crew.evidence.record_fence(step, step.subject, UNPROVEN, text)
        crew.remarks.append(
            f"{step.subject} was not proven off ({error.reason}): its writes no longer reach the "
            "volumes, but who still reaches it may read stale data; power it off before anything else"
        )
        return f"{text}; the detach is the fence"


def assert_fenced(crew: Crew, step: Step, target: Server) -> dict[str, Any]:
    """What the stack's own fence gets as variables (terraform/fence.tf), for this one plan.

    `released`: the OCIDs of the attachments whose server is on, but has given them up. `fence`: storage,
    when the operator has said so for a server that is not proven off. Raises Refused for a holder that is
    neither off nor has released, and for an instance outside this stack; Unknown when a holder's state
    could not be learnt.
    """
    attachments = crew.attachments()
    ids = {one.instance_id for one in attachments.all()} - {target.instance_id}
    gave_up: set[str] = set()
    variables: dict[str, Any] = {}
    for instance_id in sorted(ids):
        holder = crew.stack.server_of(instance_id)
        if holder is None:
            raise Refused(f"{instance_id}, no server of this stack, holds a volume", "detach it by hand")
        if (state := crew.cloud.instance_state(instance_id)) in OFF:
            crew.evidence.record_fence(step, holder.name, "the API (GetInstance before the detach)", state)
            continue
        if holder.name in crew.cut_off:
            variables["fence"] = "storage"
            continue
        gave_up.add(instance_id)
        if holder.name in crew.released:
            continue
        looked = crew.observer.server(holder, crew.stack, attachments)
        if looked.trouble:
            raise Unknown(looked.trouble.reason, looked.trouble.remedy)
        if not looked.released:
            raise Refused(
                f"{holder.name} holds a volume and is neither off nor has released it",
                "run the same command again: it will be fenced first",
            )
        if looked.answer:
            crew.evidence.record_fence(
                step, holder.name, "its own check before the detach", looked.answer.summary
            )
    return {"released": sorted(a.id for a in attachments.all() if a.instance_id in gave_up), **variables}
