"""A standby terminated: only one that this stack launched, that serves nobody and holds no volume."""

from __future__ import annotations

from collections.abc import Callable

from failover.model.instance_states import ENDING
from failover.model.outcome import FailoverError, Refused
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.stack import addresses
from failover.stack.switch_gate import gate
from failover.standby.bring_up import refuse_holder, refuse_occupied

Say = Callable[[str], None]


def take_down(ports: Ports, name: str, say: Say) -> str:
    """Terminate it with its boot volume; what came of it, in words. Raises Refused with nothing changed."""
    stack = ports.runner.read()
    instance_id = refuse_unless_ours(ports, stack, name)
    if instance_id is None:
        if stack.servers[name].instance_id is None:
            return f"{name} does not exist: there is nothing to take down"
        # a run that was killed after the call, or somebody else: the state is still to be brought up to date
        for ending in ports.cloud.ending(stack.compartment_id, name):
            say(f"{name} ({ending}) is {ENDING}: waiting until it has ended ...")
            ports.cloud.await_ended(ending, ports.site.deadlines.power)
        return f"{name} is terminated already; {_settled(ports, name)}"
    say(f"terminating {name} ({instance_id}) ...")
    ports.cloud.terminate(instance_id, ports.site.deadlines.power)
    return f"{name} is terminated; {_settled(ports, name)}"


def refuse_unless_ours(ports: Ports, stack: Stack, name: str) -> str | None:
    """Its instance's OCID, None without one. Raises Refused for a server that is not to be terminated."""
    if name not in stack.servers:
        raise Refused(f"{name!r} is not a server of this stack", f"known: {', '.join(stack.servers)}")
    if name == stack.active:
        raise Refused(f"{name} is the active server", "it is never terminated from here")
    server = stack.servers[name]
    if server.adopted:
        raise Refused(
            f"{name} is adopted: this stack did not launch it", "power it off or terminate it yourself"
        )
    refuse_holder(ports.observer.attachments(stack), stack, name)
    refuse_occupied(ports, stack, name)
    instance_ids = ports.cloud.launched(stack.compartment_id, name)
    if not instance_ids:
        return None
    if instance_ids != (server.instance_id,):
        raise Refused(
            f"{', '.join(instance_ids)} carry the tag of {name}, "
            f"and Terraform's state has {server.instance_id}",
            f"find out which is which; `./inv standby.up {name}` takes up one that a killed run has left",
        )
    return server.instance_id


def _settled(ports: Ports, name: str) -> str:
    """Terraform's state forgets it; whether the next apply would launch it again."""
    try:
        plan = ports.runner.plan()
    except FailoverError as error:
        return f"Terraform does not plan now: {error.reason}"
    again = [c.address for c in plan.changes if c.address.startswith(addresses.instance(name))]
    if again:
        ports.runner.discard(plan)
        return f"the next apply would launch it again: set standby = false for {name}"
    try:
        gate(plan.changes, (), ())
    except Refused as error:
        ports.runner.discard(plan)
        return f"Terraform's state was not brought up to date: {error.reason}"
    ports.runner.apply(plan, ports.site.deadlines.switch)
    return "Terraform's state has forgotten it"
