"""What a standby is now, a line each: power, out of service, hooks, what differs from the active server."""

from __future__ import annotations

from collections.abc import Iterator

from failover.bundle import zipapp
from failover.hosts import survey, versions
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.observation import Presence
from failover.model.outcome import FailoverError
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.standby.bring_up import look
from failover.status.sight import why_unknown


def lines(ports: Ports, name: str) -> Iterator[str]:
    """Every line; what could not be learnt is said with its reason. Raises Refused as `look` does."""
    stack = ports.runner.read()
    observation = look(ports, stack, name)
    one = observation.servers[name]
    yield f"{name}: {one.instance_state or 'it does not exist: `./inv standby.up ' + name + '` launches it'}"
    yield "volumes: none, by the API"
    if one.instance_state != "RUNNING" or one.server.address is None or not observation.reach:
        return
    if one.presence is not Presence.ANSWERS:
        why = why_unknown(one) if one.trouble or one.attempt else "its host key is not known yet"
        yield f"itself: not known: {why}"
        return
    host = ports.hosts.at(name, one.server.address)
    try:
        yield from _of_host(ports, stack, host)
    except (Silent, FailoverError) as error:
        yield f"itself: not known: {error}"


def _of_host(ports: Ports, stack: Stack, host: HookRunner) -> Iterator[str]:
    answer = survey.ask(host, stack, {}, ports.site.deadlines.hooks)
    refusals = answer.refusals if answer else ()
    yield f"a takeover would refuse: {'; '.join(refusals) or ('nothing' if answer else 'not known yet')}"
    boot = answer.result.facts.get("boot") if answer else None
    if isinstance(boot, dict):
        same = boot.get("sha256") == zipapp.hooks_sha256()
        where = "on its disk" if boot.get("here") else "not on its disk"
        version = "as here" if same else "another version"
        yield f"hooks at boot: {str(boot.get('sha256'))[:16]}, {version}, {where}"
    active = stack.servers[stack.active]
    if active.address is None:
        return
    try:
        wanted = versions.versions(ports.hosts.at(active.name, active.address).ssh)
    except (Silent, FailoverError) as error:
        yield f"drift: not known: {error}"
        return
    drifts = versions.drift(wanted, versions.versions(host.ssh))
    yield from (f"drift: {one.line}" for one in drifts)
    if not drifts:
        yield f"drift: none; kernel and packages as on {active.name}"
