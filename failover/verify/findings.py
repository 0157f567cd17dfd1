"""After a run: everything is observed afresh; a step's own success is not a proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from failover.model.finding import Finding
from failover.model.observation import Observation, Presence
from failover.stack.runner import StackRunner


def verify(
    observation: Observation, runner: StackRunner, read_back: Callable[[], tuple[Finding, ...]]
) -> tuple[tuple[Finding, ...], int]:
    """All findings, and the number of changes a second Terraform plan would make (it must be 0).

    The data is read back (`read_back`: a read and a write through the service) beside Terraform's plan.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        data = pool.submit(read_back)
        plan = runner.plan()
    runner.discard(plan)
    changes = [f"{'+'.join(c.actions)} {c.address}" for c in plan.changes]
    second = Finding("terraform plan", not changes, "; ".join(changes) or "no changes")
    hosts = (_server(observation), *_clients(observation), *data.result())
    return (_active(observation), *_volumes(observation), *hosts, second), len(changes)


def _active(observation: Observation) -> Finding:
    return Finding(
        "active server",
        observation.stack.active == observation.target,
        f"{observation.stack.active} by Terraform",
    )


def _volumes(observation: Observation) -> Iterator[Finding]:
    target_id = observation.servers[observation.target].server.instance_id
    for name in observation.attachments:
        right = observation.attachments.is_only_on(name, target_id)
        yield Finding(f"volume {name}", right, observation.attachments.describe(name, observation.stack))


def _server(observation: Observation) -> Finding:
    target = observation.servers[observation.target]
    if not observation.reach:
        text = (
            "its console says that it serves these attachments"
            if target.in_service
            else "not reached from here"
        )
        return Finding(f"server {observation.target}", target.in_service or target.server.adopted, text)
    if target.trouble:
        return Finding(f"server {observation.target}", False, target.trouble.reason, target.trouble.remedy)
    if target.answer is None:
        return Finding(
            f"server {observation.target}", False, f"{target.instance_state}, {target.presence.value}"
        )
    answer = target.answer
    return Finding(
        f"server {observation.target}", answer.present, answer.summary if answer.present else answer.complaint
    )


def _clients(observation: Observation) -> Iterator[Finding]:
    for client in observation.clients:
        name = f"client {client.client.name}"
        if client.presence is Presence.NOT_ASKED:
            continue  # a note of the plan says so
        if client.presence is Presence.UNKNOWN and client.trouble:
            yield Finding(name, False, client.trouble.reason, client.trouble.remedy, client=True)
        elif client.answer is None or client.presence is Presence.SILENT:
            yield Finding(name, False, "does not answer SSH", client=True)
        else:
            yield Finding(name, client.answer.present, client.answer.message, client=True)
