"""From an observation to steps or a refusal: pure, so that it can be shown, tested and replayed.

The invariant, which `check` asserts on every plan: the switch - the only step that detaches - comes after
every host that still holds a volume is proven off, has released, or is fenced by an earlier step; and the
target exists and answers before any of its predecessors loses the volumes. A holder loses its power before
that only when it is believed to be silent (failover/plan/silence.py). Only when the operator has said
`--unplanned` may a holder go that is not proven off: then the detach itself is the fence (it cuts the iSCSI
sessions at the storage, and is waited for until DETACHED before anything is attached).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from failover.model.observation import ClientSeen, Observation, Presence, ServerSeen
from failover.model.outcome import Refused, Unknown
from failover.model.stack_output import Server
from failover.plan.silence import Belief, judge

OFF = ("STOPPED", "TERMINATED")


class Kind(enum.Enum):
    """What a step does. Each has one function in steps.py."""

    LAUNCH = "launch"
    POWER_ON = "power-on"
    REACH = "reach"
    RELEASE = "release"
    POWER_OFF = "power-off"
    CUT_OFF = "cut-off"
    SWITCH = "switch"
    TAKE_OVER = "take-over"
    CLIENT = "client"


# What may stand for "this holder can no longer write" before the switch.
FENCES = (Kind.RELEASE, Kind.POWER_OFF, Kind.CUT_OFF)

# Seconds, for the progress display: facts-of-OCI magnitudes for bare metal, not promises.
_EXPECTED = {
    Kind.LAUNCH: 600,
    Kind.POWER_ON: 300,
    Kind.REACH: 120,
    Kind.RELEASE: 20,
    Kind.POWER_OFF: 60,
    Kind.CUT_OFF: 60,
    Kind.SWITCH: 60,
    Kind.TAKE_OVER: 15,
    Kind.CLIENT: 20,
}


@dataclass(frozen=True)
class Step:
    """One step. It may start when all of `after` have succeeded."""

    kind: Kind
    subject: str
    why: str
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Unique in its plan, e.g. "launch nfs-srv-2"."""
        return f"{self.kind.value} {self.subject}"

    @property
    def expected_seconds(self) -> int:
        """What the step usually takes on bare metal."""
        return _EXPECTED[self.kind]


@dataclass(frozen=True)
class Plan:
    """What will be done, in which order, and what was found to need nothing. Empty `steps`: all is right.

    `evidence`: why a server that does not answer is fenced as it is, a line each.
    """

    target: str
    loser: str | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step of this name; KeyError when there is none."""
        return {s.name: s for s in self.steps}[name]

    def before(self, name: str) -> set[str]:
        """The names of all steps that have ended before this one may start."""
        direct = self.step(name).after
        return set(direct).union(*(self.before(d) for d in direct)) if direct else set()


def make(seen: Observation, unplanned: bool = False) -> Plan:
    """The plan that makes `seen.target` the active server.

    `unplanned`: holders are treated as lost. They are not asked to release; where the power of one cannot be
    cut, the detach is the fence. Raises Refused, or Unknown where the state of a holder or of the target
    could not be learnt; each with the remedy.
    """
    _refuse_doubles(seen)
    notes: list[str] = []
    target = seen.servers[seen.target]
    preparing = _prepare(target, seen.reach)
    fences = [_fence(h, seen, unplanned, notes, preparing) for h in holders(seen)]
    steps = [*preparing, *(step for step, _ in fences if step)]
    switching = _must_switch(seen)
    if switching:
        steps.append(Step(Kind.SWITCH, seen.target, switching, tuple(s.name for s in steps)))
    if switching or _must_take_over(seen, notes):
        found = target.answer.complaint if target.answer else "its volumes come with the switch"
        if not seen.reach:
            found = _unreached_take_over(target)
        steps.append(Step(Kind.TAKE_OVER, seen.target, found, tuple(s.name for s in steps[-1:])))
    steps += _clients(seen, notes, tuple(s.name for s in steps[-1:]))
    evidence = tuple(dict.fromkeys(line for _, lines in fences for line in lines))
    plan = Plan(seen.target, _loser(seen), tuple(steps), tuple(notes), evidence)
    check(plan, seen, unplanned)
    return plan


def check(plan: Plan, seen: Observation, unplanned: bool = False) -> None:
    """Assert the invariant of this module on a plan; AssertionError is a defect of the planner."""
    usable, reach = _usable(seen.servers[plan.target]), f"reach {plan.target}"
    for step in (s for s in plan.steps if s.kind is Kind.SWITCH):
        done = plan.before(step.name)
        for holder in holders(seen):
            fences = {f"{kind.value} {holder.server.name}" for kind in FENCES}
            if not (is_fenced(holder) or fences & done):
                raise AssertionError(f"{step.name}: {holder.server.name} holds volumes and is not fenced")
        if not usable and reach not in done:
            raise AssertionError(f"{step.name}: {plan.target} is not known to answer")
    for step in (s for s in plan.steps if s.kind is Kind.POWER_OFF and not unplanned):
        if usable or reach in plan.before(step.name):
            continue
        if judge(seen.servers[step.subject], seen).belief is not Belief.SILENT:
            raise AssertionError(
                f"{step.name}: it is not known to be silent, and {plan.target} does not answer"
            )


def holders(seen: Observation) -> list[ServerSeen]:
    """The servers other than the target that hold a volume; raises Refused for a stranger."""
    target_id = seen.servers[seen.target].server.instance_id
    found: dict[str, ServerSeen] = {}
    for volume, attachments in seen.attachments.items():
        for attachment in attachments:
            if attachment.instance_id == target_id:
                continue
            server = seen.stack.server_of(attachment.instance_id)
            if server is None:
                raise Refused(
                    f"{volume} is attached to {attachment.instance_id}, which is no server of this stack",
                    "find out who attached it there, and why; detach it, or add the server to `servers`",
                )
            found[server.name] = seen.servers[server.name]
    return list(found.values())


def _refuse_doubles(seen: Observation) -> None:
    """Two live attachments of one volume: which of them is right is not ours to guess."""
    for volume, attachments in seen.attachments.items():
        if len(attachments) > 1:
            who = " and ".join(f"{a.instance_id} ({a.state})" for a in attachments)
            raise Refused(
                f"{volume} is attached more than once: to {who}",
                "find out which of them has written to it, and detach the other in the console",
            )


def is_fenced(holder: ServerSeen) -> bool:
    """Proven off by the API, or everything released by its own check."""
    return holder.instance_state in OFF or bool(holder.answer and holder.answer.released)


def _usable(target: ServerSeen) -> bool:
    return target.instance_state == "RUNNING" and (target.presence is Presence.ANSWERS or target.in_service)


def _must_take_over(seen: Observation, notes: list[str]) -> bool:
    """Whether a target that has the volumes does not serve them, as far as can be seen from here."""
    target = seen.servers[seen.target]
    if seen.reach:
        return not (target.answer and target.answer.present)
    if target.server.adopted:
        notes.append(f"whether {seen.target} serves was not looked at: hosts are not reached from here")
        return False
    return not target.in_service


def _unreached_take_over(target: ServerSeen) -> str:
    """Why its own boot service takes over; raises Refused for a server that has none."""
    if target.server.adopted:
        raise Refused(
            f"{target.server.name} is adopted and has no boot service of ours: from here, where hosts are "
            "not reached over SSH ([ssh] reach = false), nobody would bring the volumes up on it",
            "run it on a machine that reaches the hosts",
        )
    return "its own boot service brings the volumes up; its console tells when"


def _prepare(target: ServerSeen, reach: bool) -> list[Step]:
    name, state = target.server.name, target.instance_state
    if why := _launch_why(target):
        first = Step(Kind.LAUNCH, name, why)
    elif state in ("STOPPED", "STOPPING"):
        first = Step(Kind.POWER_ON, name, f"its instance is {state}")
    elif state == "RUNNING" and target.presence is Presence.UNKNOWN and target.trouble:
        raise Unknown(target.trouble.reason, target.trouble.remedy)
    elif state in ("RUNNING", "STARTING", "PROVISIONING"):
        settled = _usable(target) or (not reach and target.server.adopted)
        return [] if settled else [Step(Kind.REACH, name, _reach_why(target, reach))]
    else:
        raise Refused(
            f"{name}: its instance is {state}", f"wait, or give {name} another image_id or instance_id"
        )
    return [first, Step(Kind.REACH, name, _reach_why(target, reach), (first.name,))]


def _launch_why(target: ServerSeen) -> str:
    """Why the server has to be launched, or a launch taken up that was cut off; empty when it has not."""
    if not target.server.exists:
        return "it does not exist yet; the volumes stay where they are meanwhile"
    if target.server.adopted:
        return ""
    if target.instance_state in ("TERMINATED", "TERMINATING"):
        return f"its instance is {target.instance_state}: another one is launched from the image"
    if target.server.address is None:
        return "its launch was cut off before Terraform had its address"
    return ""


def _reach_why(target: ServerSeen, reach: bool) -> str:
    if not reach:
        return "its console must show that it has booted before it gets the volumes"
    if target.presence is Presence.SILENT:
        return "it is RUNNING but silent: booting, or dead (then reset it, or choose another server)"
    return "it must answer before it gets the volumes"


def _fence(
    holder: ServerSeen, seen: Observation, unplanned: bool, notes: list[str], preparing: list[Step]
) -> tuple[Step | None, tuple[str, ...]]:
    """The step after which the holder can no longer write, and the evidence for it. Raises Unknown."""
    name, prepared = holder.server.name, tuple(s.name for s in preparing)
    if is_fenced(holder):
        notes.append(f"{name} needs no fence: {holder.instance_state}, holds nothing mounted")
        return None, ()
    if unplanned:
        return _cut_off(holder, seen, prepared)
    if holder.presence is Presence.ANSWERS:
        # It still serves: it goes on serving until its successor is ready.
        return Step(Kind.RELEASE, name, "it answers: it gives the volumes up itself", prepared), ()
    if not seen.reach:
        # Without SSH there is no evidence of silence at all: its successor must be there first.
        why = "hosts are not reached from here: its power is cut and proven off"
        return Step(Kind.POWER_OFF, name, why, prepared), ()
    judged = judge(holder, seen)
    if judged.belief is Belief.UNKNOWN:
        raise Unknown("; ".join((judged.reason, *judged.evidence)), judged.remedy)
    # One that is silent to all may lose its power beside the launch. A target that exists and is silent
    # itself is another matter: then both may be down, or the network.
    beside = judged.belief is Belief.SILENT and seen.servers[seen.target].presence is not Presence.SILENT
    step = Step(
        Kind.POWER_OFF,
        name,
        f"{judged.reason}: its power is cut and proven off",
        () if beside else prepared,
    )
    return step, judged.evidence


def _cut_off(
    holder: ServerSeen, seen: Observation, prepared: tuple[str, ...]
) -> tuple[Step, tuple[str, ...]]:
    """Not asked, not waited for: what the operator has chosen with --unplanned."""
    why = "--unplanned: its power is cut; where that cannot be proven, the detach is the fence"
    judged = judge(holder, seen)
    beside = judged.belief is Belief.SILENT
    return Step(Kind.CUT_OFF, holder.server.name, why, () if beside else prepared), judged.evidence


def _must_switch(seen: Observation) -> str:
    """Why the switch is needed, empty when it is not."""
    target_id = seen.servers[seen.target].server.instance_id
    right = all(
        len(found) == 1 and found[0].instance_id == target_id and found[0].state == "ATTACHED"
        for found in seen.attachments.values()
    )
    if not right:
        return f"attach {', '.join(seen.stack.volumes)} to {seen.target}, detached from everybody else before"
    if seen.stack.active != seen.target:
        return (
            f"the volumes are there, but Terraform's state says {seen.stack.active}: it is brought up to date"
        )
    return ""


def _clients(seen: Observation, notes: list[str], after: tuple[str, ...]) -> list[Step]:
    """A step for each client that has to be brought over and can be; a note for each that is left alone."""
    steps = []
    for client in seen.clients:
        if why := _left_alone(client):
            notes.append(f"client {client.client.name} {why}")
        elif not (client.answer and client.answer.present):
            steps.append(Step(Kind.CLIENT, client.client.name, _client_why(client), after))
    return steps


def _left_alone(client: ClientSeen) -> str:
    """Why a client is not touched; empty when it may be."""
    if client.presence is Presence.SILENT:
        return "does not answer SSH: it is left alone and not verified"
    if client.presence is Presence.NOT_ASKED:
        return "is not reached from here: it is left alone, not verified"
    if client.presence is Presence.UNKNOWN:
        why = client.trouble.reason if client.trouble else "its state is unknown"
        return f"is left alone: {why}"
    if client.answer and client.answer.refusals:
        return f"is left alone: {'; '.join(client.answer.refusals)}"
    return ""


def _client_why(client: ClientSeen) -> str:
    return client.answer.complaint if client.answer else "not checked"


def _loser(seen: Observation) -> str | None:
    held: list[Server] = [h.server for h in holders(seen)]
    return held[0].name if held else None
