"""Reads the data back: canaries on the server and over NFS on every client, and a write on every client."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from failover.hosts import fan_out, specs
from failover.hosts.hook_runner import Hosts
from failover.hosts.ssh import Silent
from failover.model.finding import Finding
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus
from failover.model.outcome import FailoverError
from failover.model.site import ClientMode, Site
from failover.verify import data_findings
from failover.verify.canaries import Known
from failover.verify.data_findings import ProbeResult


def look(site: Site, hosts: Hosts, observation: Observation) -> tuple[Finding, ...]:
    """A finding for each folder with canaries and each client's mount.

    A host that does not answer, or whose own check failed, has its finding already; it is not probed.
    """
    target = observation.servers[observation.target]
    clients = [
        c for c in observation.clients if c.presence is Presence.ANSWERS and c.answer and c.answer.present
    ]

    async def probe(client: ClientStatus, begun: Callable[[], None]) -> ProbeResult:
        return await _client(site, hosts, observation, client, begun)

    with ThreadPoolExecutor(max_workers=1) as pool:
        server = pool.submit(_server, site, hosts, observation, target)
        results = fan_out.results(clients, probe)
        answers = {c.client: result for c, result in zip(clients, results, strict=True)}
        return data_findings.judge(observation, server.result(), answers, Known(site.runs))


def _server(site: Site, hosts: Hosts, observation: Observation, target: ServerStatus) -> ProbeResult:
    """What the target reads of each folder, or why it could not be probed."""
    if target.answer is None or target.server.address is None:
        return ()
    held = observation.attachments.held_by(target.server.instance_id)
    spec = specs.server_spec(observation.stack, held, site.deadlines.hooks)
    host = hosts.at(target.server.name, target.server.address)
    return _probed(lambda: host.hooks("probe", spec, site.deadlines.hooks).layers)


async def _client(
    site: Site, hosts: Hosts, observation: Observation, client: ClientStatus, begun: Callable[[], None]
) -> ProbeResult:
    one = client.client
    spec = specs.client_spec(
        one, observation.stack, observation.target, ClientMode.REMOUNT, site.deadlines.client
    )
    host = hosts.of_client(one, observation.stack, observation.target)
    try:
        await host.ssh.opened()
        begun()
        return (await host.answer("probe", spec, site.deadlines.client)).layers
    except Silent as error:
        return str(error)
    except FailoverError as error:
        return error.reason


def _probed(probe: Callable[[], ProbeResult]) -> ProbeResult:
    """The layers, or why this host gave none: the other hosts' results are still judged."""
    try:
        return probe()
    except Silent as error:
        return str(error)
    except FailoverError as error:
        return error.reason
