"""From an observation to steps or a refusal: pure, so that it can be shown, tested and replayed.

What every plan has to hold to is in failover/plan/invariant.py.
"""

from __future__ import annotations

from failover.model.instance_states import ENDED, ENDING
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus
from failover.model.outcome import Refused, Unknown
from failover.model.stack_output import Server
from failover.plan.invariant import check, holders, is_fenced, is_usable
from failover.plan.model import LEFT_ALONE, CopyMode, Plan, Step, StepKind
from failover.plan.silence import Belief, judge


def make(observation: Observation, unplanned: bool = False, copy: CopyMode = CopyMode.NONE) -> Plan:
    """The plan that makes `observation.target` the active server.

    `copy`: made before the switch, beside the rest.
    `unplanned`: holders are treated as lost. They are not asked to release; where the power of one cannot be
    cut, the detach is the fence. Raises Refused, or Unknown where the state of a holder or of the target
    could not be learnt; each with the remedy.
    """
    _refuse_doubles(observation)
    notes: list[str] = []
    target = observation.servers[observation.target]
    preparing = prepare(target, observation.reach)
    fences = [_fence(h, observation, unplanned, notes, preparing) for h in holders(observation)]
    steps = [*preparing, *(step for step, _ in fences if step)]
    switching = _must_switch(observation)
    if switching:
        steps += _copy(copy)
        steps.append(Step(StepKind.SWITCH, observation.target, switching, tuple(s.name for s in steps)))
    taking_over, added = (True, []) if switching else _must_take_over(observation)
    notes += added
    if taking_over:
        why = target.answer.complaint if target.answer else "its volumes come with the switch"
        if not observation.reach:
            why = _unreached_take_over(target)
        steps.append(Step(StepKind.TAKE_OVER, observation.target, why, tuple(s.name for s in steps[-1:])))
    steps += _clients(observation, notes, tuple(s.name for s in steps[-1:]))
    evidence = tuple(dict.fromkeys(line for _, lines in fences for line in lines))
    plan = Plan(observation.target, _loser(observation), tuple(steps), tuple(notes), evidence)
    check(plan, observation, unplanned)
    return plan


def _copy(mode: CopyMode) -> list[Step]:
    """It waits for no other step, so it costs no outage beside a launch; the switch waits for it."""
    if mode is CopyMode.NONE:
        return []
    why = f"--backup {mode}: all volumes as they are at one moment, before anything is detached"
    return [Step(StepKind.COPY, mode.value, why)]


def _refuse_doubles(observation: Observation) -> None:
    """Raise Refused for two live attachments of one volume: we cannot know which is the valid one."""
    for volume, attachments in observation.attachments.items():
        if len(attachments) > 1:
            who = " and ".join(f"{a.instance_id} ({a.state})" for a in attachments)
            raise Refused(
                f"{volume} is attached more than once: to {who}",
                "find out which of them has written to it, and detach the other in the console",
            )


def _must_take_over(observation: Observation) -> tuple[bool, list[str]]:
    """Whether a target that has the volumes does not serve them, and notes: what cannot be seen from here."""
    target = observation.servers[observation.target]
    if observation.reach:
        return not (target.answer and target.answer.present), []
    if target.server.adopted:
        note = f"whether {observation.target} serves was not looked at: hosts are not reached from here"
        return False, [note]
    return not target.in_service, []


def _unreached_take_over(target: ServerStatus) -> str:
    """Why its own boot service takes over; raises Refused for a server that has none."""
    if target.server.adopted:
        raise Refused(
            f"{target.server.name} is adopted and has no boot service that takes over. Hosts are not "
            "reached over SSH from here ([ssh] reach = false), so the volumes would not be brought up on it",
            "run it on a machine that reaches the hosts",
        )
    return "its own boot service brings the volumes up; its console tells when"


def prepare(target: ServerStatus, reach: bool) -> list[Step]:
    """The steps after which the target runs and answers; none when it does. Raises Refused, Unknown."""
    name, state = target.server.name, target.instance_state
    if why := _launch_why(target):
        first = Step(StepKind.LAUNCH, name, why)
    elif state in ("STOPPED", "STOPPING"):
        first = Step(StepKind.POWER_ON, name, f"its instance is {state}")
    elif state == "RUNNING" and target.presence is Presence.UNKNOWN and target.trouble:
        raise Unknown(target.trouble.reason, target.trouble.remedy)
    elif state in ("RUNNING", "STARTING", "PROVISIONING"):
        settled = is_usable(target) or (not reach and target.server.adopted)
        return [] if settled else [Step(StepKind.REACH, name, _reach_why(target, reach))]
    else:
        raise Refused(
            f"{name}: its instance is {state}", f"wait, or give {name} another image_id or instance_id"
        )
    return [first, Step(StepKind.REACH, name, _reach_why(target, reach), (first.name,))]


def _launch_why(target: ServerStatus) -> str:
    """Why the server has to be launched, or a launch taken up that was cut off; empty when it has not."""
    if not target.server.exists:
        return "it does not exist yet; the volumes stay where they are meanwhile"
    if target.server.adopted:
        return ""
    if target.instance_state == ENDED:
        return f"its instance is {ENDED}: another one is launched from the image"
    if target.instance_state == ENDING:
        return f"its instance is {ENDING}: once it has ended, another one is launched from the image"
    if target.server.address is None:
        return "its launch was cut off before Terraform had its address"
    return ""


def _reach_why(target: ServerStatus, reach: bool) -> str:
    if not reach:
        return "its console must show that it has booted before it gets the volumes"
    if target.presence is Presence.SILENT:
        return "it is RUNNING but silent: booting, or dead (then reset it, or choose another server)"
    return "it must answer before it gets the volumes"


def _fence(
    holder: ServerStatus, observation: Observation, unplanned: bool, notes: list[str], preparing: list[Step]
) -> tuple[Step | None, tuple[str, ...]]:
    """The step after which the holder can no longer write, and the evidence for it. Raises Unknown."""
    name, prepared = holder.server.name, tuple(s.name for s in preparing)
    if is_fenced(holder):
        notes.append(f"{name} needs no fence: {holder.instance_state}, holds nothing mounted")
        return None, ()
    if unplanned:
        return _cut_off(holder, observation, prepared)
    if holder.presence is Presence.ANSWERS:
        # It still serves: it goes on serving until its successor is ready.
        return Step(StepKind.RELEASE, name, "it answers: it gives the volumes up itself", prepared), ()
    if not observation.reach:
        # Without SSH there is no evidence of silence at all: its successor must be there first.
        why = "hosts are not reached from here: its power is cut and proven off"
        return Step(StepKind.POWER_OFF, name, why, prepared), ()
    judged = judge(holder, observation)
    if judged.belief is Belief.UNKNOWN:
        raise Unknown("; ".join((judged.reason, *judged.evidence)), judged.remedy)
    # One that is silent to all may lose its power beside the launch. A target that exists and is silent
    # itself is another matter: then both may be down, or the network.
    beside = (
        judged.belief is Belief.SILENT
        and observation.servers[observation.target].presence is not Presence.SILENT
    )
    step = Step(
        StepKind.POWER_OFF,
        name,
        f"{judged.reason}: {_off_by(holder)}",
        () if beside else prepared,
    )
    return step, judged.evidence


def _off_by(holder: ServerStatus) -> str:
    if holder.instance_state == ENDING:
        return "its end is waited for"
    return "its power is cut and proven off"


def _cut_off(
    holder: ServerStatus, observation: Observation, prepared: tuple[str, ...]
) -> tuple[Step, tuple[str, ...]]:
    """The fence that --unplanned chooses: the holder is not asked to release, and is not waited for."""
    why = "--unplanned: its power is cut; where that cannot be proven, the detach is the fence"
    judged = judge(holder, observation)
    beside = judged.belief is Belief.SILENT
    return Step(StepKind.CUT_OFF, holder.server.name, why, () if beside else prepared), judged.evidence


def _must_switch(observation: Observation) -> str:
    """Why the switch is needed, empty when it is not."""
    target_id = observation.servers[observation.target].server.instance_id
    if observation.attachments.misplaced(target_id):
        volumes = ", ".join(observation.stack.volumes)
        return f"attach {volumes} to {observation.target}, detached from everybody else before"
    if observation.stack.active != observation.target:
        active = observation.stack.active
        return f"the volumes are there, but Terraform's state says {active}: it is brought up to date"
    return ""


def _clients(observation: Observation, notes: list[str], after: tuple[str, ...]) -> list[Step]:
    """A step for each client that has to be brought over and can be; a note for each that is left alone."""
    steps = []
    for client in observation.clients:
        if why := _left_alone(client):
            notes.append(f"client {client.client.name} {why}")
        elif not (client.answer and client.answer.present):
            steps.append(Step(StepKind.CLIENT, client.client.name, _client_why(client), after))
    return steps


def _left_alone(client: ClientStatus) -> str:
    """Why a client is not touched; empty when it may be."""
    if client.presence is Presence.SILENT:
        return f"does not answer SSH: it {LEFT_ALONE} and not verified"
    if client.presence is Presence.NOT_ASKED:
        return f"is not reached from here: it {LEFT_ALONE}, not verified"
    if client.presence is Presence.UNKNOWN:
        why = client.trouble.reason if client.trouble else "its state is unknown"
        return f"{LEFT_ALONE}: {why}"
    if client.answer and client.answer.refusals:
        return f"{LEFT_ALONE}: {'; '.join(client.answer.refusals)}"
    return ""


def _client_why(client: ClientStatus) -> str:
    return client.answer.complaint if client.answer else "not checked"


def _loser(observation: Observation) -> str | None:
    held: list[Server] = [h.server for h in holders(observation)]
    return held[0].name if held else None
