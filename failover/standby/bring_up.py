"""A server brought up ahead: launched or powered on, out of service, and by its own check holding nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from failover.act.context import Crew
from failover.act.dispatch import do
from failover.act.fence import release
from failover.act.launch import survey_of_active
from failover.cloud.block_copies import BlockCopies
from failover.hosts import readiness, specs, survey
from failover.model.attachments import Attachments
from failover.model.observation import Observation
from failover.model.outcome import Refused
from failover.model.site import ClientMode
from failover.model.stack_output import Stack
from failover.plan import planner
from failover.plan.model import Step, StepKind
from failover.ports import Ports
from failover.rehearse.objections import refuse_launch
from failover.rehearse.tagging import run_of, site_key
from failover.tfvars import variables

Say = Callable[[str], None]


@dataclass
class BroughtUp:
    """What was done. `seconds` by kind of step; `check`: its own, "" where it was not asked."""

    server: str
    seconds: dict[str, float] = field(default_factory=dict)
    check: str = ""


def bring_up(ports: Ports, name: str, say: Say) -> BroughtUp:
    """Have `name` stand by. The same again has nothing to do but to look.

    Raises Refused for the active server, for one that holds a volume, and where the plan of its launch
    touches anything else; Failed when it does not give up what it has of the service; Unknown.
    """
    stack = ports.runner.read()
    observation = look(ports, stack, name)
    crew = Crew(ports, observation, ClientMode.REMOUNT, takes_over=False)
    came = BroughtUp(name)
    steps = planner.prepare(observation.servers[name], observation.reach)
    if any(step.kind is StepKind.LAUNCH for step in steps):
        _refuse_launch(ports, stack, name)
    for step in steps:
        say(f"{step.name} ... ({step.why})")
        _timed(came, step.kind, partial(do, crew, step), say)
    if observation.reach:
        came.check = _out_of_service(crew, name, came, say)
        hosts = crew.host(crew.server(name)), crew.stack, crew.site.deadlines.hooks
        uuids = survey.uuids(survey_of_active(crew))
        say(f"{name} {readiness.tried(*hosts, uuids)}")
    refuse_holder(crew.attachments(), crew.stack, name)
    return came


def _refuse_launch(ports: Ports, stack: Stack, name: str) -> None:
    """Raises Refused for a launch that would fail, or make a server that cannot have the volumes; Unknown.

    One that was begun by a run that was killed is taken up whatever its image is by now.
    """
    launch = variables.launching(stack, ports.site.terraform).servers[name].launch
    if launch is None or ports.cloud.launched(stack.compartment_id, name):
        return
    volume = next(iter(stack.volumes.values()))  # all are where the server is that has them
    domain = ports.reads.volume(volume.volume_id).availability_domain
    refuse_launch(ports, launch, domain, f"have another server stand by than {name}")


def look(ports: Ports, stack: Stack, name: str) -> Observation:
    """The volumes, this server and the active one; no client. Raises Refused as `bring_up`, Unknown."""
    if name not in stack.servers:
        known = ", ".join(s for s in stack.servers if s != stack.active)
        raise Refused(f"{name!r} is not a server of this stack", f"name one of: {known or 'none yet'}")
    if name == stack.active:
        raise Refused(f"{name} is the active server", "name the server that shall stand by")
    attachments = ports.observer.attachments(stack)
    refuse_holder(attachments, stack, name)
    refuse_occupied(ports, stack, name)
    both = [stack.servers[one] for one in (name, stack.active)]
    servers = {one.name: ports.observer.server(one, stack, attachments) for one in both}
    return Observation(stack, name, servers, attachments, (), ports.site.ssh.reach)


def refuse_holder(attachments: Attachments, stack: Stack, name: str) -> None:
    """Raise Refused for a server that a volume is attached to: it is no standby, whatever the state says."""
    if held := attachments.held_by(stack.servers[name].instance_id):
        raise Refused(
            f"{name} holds {', '.join(held)}, by the API",
            f"`./inv status` shows who serves; `./inv failover --active {stack.active}` settles it",
        )


def refuse_occupied(ports: Ports, stack: Stack, name: str) -> None:
    """Raise Refused for a server that has the clones of a rehearsal, be it under way or killed; Unknown.

    They are mounted there: a failover to it would be refused for them.
    """
    instance_id, key = stack.servers[name].instance_id, site_key(stack)
    if instance_id is None:
        return
    volumes = BlockCopies(ports.cloud.client).volumes(stack.compartment_id)
    clones = {v.id: v.name for v in volumes if run_of(v.tags, key)}
    holders = {ocid: {a.instance_id for a in ports.cloud.attachments(stack, ocid)} for ocid in clones}
    if held := [clones[ocid] for ocid, ids in holders.items() if instance_id in ids]:
        raise Refused(
            f"{name} has clones of a rehearsal: {', '.join(held)}",
            "wait until it has ended; if it was killed: `./inv rehearse --clean`",
        )


def _out_of_service(crew: Crew, name: str, came: BroughtUp, say: Say) -> str:
    """It gives up its lines of fstab, its records and exports. Its own check afterwards counts."""
    spec = specs.server_spec(crew.stack, {}, crew.site.deadlines.hooks)
    if not specs.whole(crew.stack, spec):
        return "not asked: no portal of a volume is known"
    step = Step(StepKind.RELEASE, name, "a standby has nothing of the service")
    _timed(came, StepKind.RELEASE, lambda: release(crew, step), say)
    return "nothing exported, mounted, active or logged in"


def _timed(came: BroughtUp, kind: StepKind, action: Callable[[], str], say: Say) -> None:
    start = time.monotonic()
    message = action()
    seconds = time.monotonic() - start
    came.seconds[kind.value] = round(seconds, 3)
    say(f"{kind.value} {came.server}: done in {seconds:.1f} s: {message}")
