"""The invariant of safety, asserted on every plan: no volume is detached from a holder that is not fenced.

The switch - the only step that detaches - comes after every host that still holds a volume is proven off, has
released, or is fenced by an earlier step; and the target exists and answers before any of its predecessors
loses the volumes. A holder loses its power before that only when it is believed to be silent
(failover/plan/silence.py). Only when the operator has said `--unplanned` may a holder go that is not proven
off: then the detach itself is the fence (it cuts the iSCSI sessions at the storage, and is waited for until
DETACHED before anything is attached).
"""

from __future__ import annotations

from failover.model.instance_states import OFF
from failover.model.observation import Observation, Presence, ServerStatus
from failover.model.outcome import Refused
from failover.plan.model import FENCES, Plan, StepKind
from failover.plan.silence import Belief, judge


def check(plan: Plan, observation: Observation, unplanned: bool = False) -> None:
    """Assert the invariant of this module on a plan; AssertionError is a defect of the planner."""
    usable, reach = is_usable(observation.servers[plan.target]), f"reach {plan.target}"
    for step in (s for s in plan.steps if s.kind is StepKind.SWITCH):
        done = plan.before(step.name)
        for holder in holders(observation):
            fences = {f"{kind.value} {holder.server.name}" for kind in FENCES}
            if not (is_fenced(holder) or fences & done):
                raise AssertionError(f"{step.name}: {holder.server.name} holds volumes and is not fenced")
        if not usable and reach not in done:
            raise AssertionError(f"{step.name}: {plan.target} is not known to answer")
    for step in (s for s in plan.steps if s.kind is StepKind.POWER_OFF and not unplanned):
        if usable or reach in plan.before(step.name):
            continue
        if judge(observation.servers[step.subject], observation).belief is not Belief.SILENT:
            raise AssertionError(
                f"{step.name}: it is not known to be silent, and {plan.target} does not answer"
            )


def holders(observation: Observation) -> list[ServerStatus]:
    """The servers other than the target that hold a volume; raises Refused for a stranger."""
    target_id = observation.servers[observation.target].server.instance_id
    by_name: dict[str, ServerStatus] = {}
    for volume, attachments in observation.attachments.items():
        for attachment in attachments:
            if attachment.instance_id == target_id:
                continue
            server = observation.stack.server_of(attachment.instance_id)
            if server is None:
                raise Refused(
                    f"{volume} is attached to {attachment.instance_id}, which is not a server of this stack",
                    "find out who attached it there, and why; detach it, or add the server to `servers`",
                )
            by_name[server.name] = observation.servers[server.name]
    return list(by_name.values())


def is_fenced(holder: ServerStatus) -> bool:
    """Proven off by the API, or everything released by its own check."""
    return holder.instance_state in OFF or holder.released


def is_usable(target: ServerStatus) -> bool:
    """Whether the target runs, and answers or says on its console that it serves."""
    return target.instance_state == "RUNNING" and (target.presence is Presence.ANSWERS or target.in_service)
