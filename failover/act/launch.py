"""A server that runs and answers: launched or powered on, its host key learnt, its boot awaited."""

from __future__ import annotations

from functools import partial

from failover.act import made_by_hand
from failover.act.context import Crew, with_what_is_left
from failover.deadline import until
from failover.hosts import survey
from failover.hosts.ssh import Silent, wait_until_answers
from failover.model.host.hook_report import HookReport
from failover.model.instance_states import ENDING, ENDING_OR_ENDED
from failover.model.observation import Presence
from failover.model.outcome import FailoverError, Unknown
from failover.model.stack_output import Stack
from failover.plan.model import Step
from failover.stack import addresses
from failover.stack.switch_gate import gate


def launch(crew: Crew, step: Step) -> str:
    """Terraform launches the server from its image; the active server stays the active one.

    Raises FailoverError, with what the API has after the failed apply.
    """
    _await_ends(crew, step.subject)
    variables = {"launch": [step.subject], "active_server": crew.stack.active}
    address = addresses.instance(step.subject)
    for instance_id in crew.cloud.launched(crew.stack.compartment_id, step.subject)[:1]:
        if crew.cloud.settled_state(instance_id, crew.site.deadlines.launch) not in ENDING_OR_ENDED:
            crew.runner.adopt(address, instance_id, variables)
    plan = made_by_hand.planned(crew, variables)
    # update: an adopted instance gets the arguments that the API never tells (preserve_boot_volume)
    may = (address, addresses.vnics(step.subject), addresses.SWITCH_RECORD, *_made_again(crew.stack))
    gate(plan.changes, may, ("create", "update"))
    try:
        crew.runner.apply(plan, crew.site.deadlines.launch)
    except FailoverError as error:
        raise with_what_is_left(error, _launched_now(crew, step.subject)) from error
    crew.stack = crew.runner.read()
    return f"instance {crew.server(step.subject).instance_id}"


def _made_again(stack: Stack) -> tuple[str, ...]:
    """What the site has had, and a plan puts back where a person took it away; the switch moves it then.

    Not what was described since the last apply: that is another person's work, which a launch leaves alone.
    """
    kinds = {addresses.SERVICE_ADDRESS: stack.service_ip, addresses.SERVICE_NAME: stack.dns_name}
    return tuple(kind for kind, had in kinds.items() if had)


def _await_ends(crew: Crew, name: str) -> None:
    """Wait for the end of what is TERMINATING: an earlier `name`, and the active server.

    The first has the address that the new one is to get. The stack takes the second for gone while its
    volumes are still attached there, and plans nothing.
    """
    ending = list(crew.cloud.ending(crew.stack.compartment_id, name))
    active = crew.observation.servers[crew.stack.active]
    if active.server.instance_id and active.instance_state == ENDING:
        ending.append(active.server.instance_id)
    for instance_id in ending:
        crew.cloud.await_ended(instance_id, crew.site.deadlines.power)


def _launched_now(crew: Crew, name: str) -> str:
    try:
        instance_ids = crew.cloud.launched(crew.stack.compartment_id, name)
    except FailoverError as error:
        return f"whether {name} was launched is not known either ({error.reason})"
    left = ", ".join(instance_ids)
    return f"the API has {left}, which the next run takes up" if left else f"the API has no {name}"


def power_on(crew: Crew, step: Step) -> str:
    """START through the API."""
    instance_id = crew.instance(step.subject)
    return f"instance is {crew.cloud.power_on(instance_id, crew.site.deadlines.power)}"


def reach(crew: Crew, step: Step) -> str:
    """Learn the host key, wait until the host runs commands, and have it surveyed.

    Raises Unknown for a host that does not answer in time, Refused for one that would refuse the volumes.
    """
    server = crew.server(step.subject)
    instance_id, address = crew.instance(step.subject), server.address
    if address is None:
        raise Unknown(f"{server.name} has no private address", "look at its VNIC in the console")
    if not crew.site.ssh.reach:
        return _booted(crew, server.name, instance_id)
    if not server.adopted and not crew.hosts.keys.of(address, instance_id):
        _learn_key(crew, server.name, address, instance_id)
    wait_until_answers(crew.host(server).ssh, crew.site.deadlines.boot)
    host, hooks = crew.host(server), crew.site.deadlines.hooks
    survey.refuse(host, crew.stack, {}, hooks, partial(survey_of_active, crew))
    if crew.observation.attachments.held_by(instance_id):
        return f"answers SSH at {address}"
    crew.made_ready.add(server.name)
    return f"answers SSH at {address}; {crew.make_ready(server)}"


def survey_of_active(crew: Crew) -> HookReport | None:
    """What the server that serves now exports and knows; None when it does not answer. Never raises."""
    status = crew.observation.servers[crew.observation.stack.active]
    if status.presence is not Presence.ANSWERS:
        return None
    held = crew.observation.attachments.held_by(status.server.instance_id)
    try:
        return survey.ask(crew.host(status.server), crew.stack, held, crew.site.deadlines.hooks)
    except (Silent, FailoverError):  # it has died meanwhile, so there is no server to compare with
        return None


def _booted(crew: Crew, name: str, instance_id: str) -> str:
    crew.cloud.power_on(instance_id, crew.site.deadlines.boot)  # also waits for a launch to be RUNNING
    _await_keys(crew, name, instance_id)
    return "its console shows that it has booted"


def _learn_key(crew: Crew, name: str, address: str, instance_id: str) -> None:
    crew.hosts.keys.pin(address, instance_id, _await_keys(crew, name, instance_id))


def _await_keys(crew: Crew, name: str, instance_id: str) -> tuple[str, ...]:
    seconds = crew.site.deadlines.boot
    keys = until(lambda: crew.cloud.host_keys(instance_id), bool, seconds)
    if not keys:
        raise Unknown(
            f"{name}: no SSH host key on its console within {seconds:.0f} s",
            "look at the console's history: cloud-init prints the key at the end of the first boot",
        )
    return keys
