"""A read-only look at everything a plan depends on: Terraform's state, the API, the hosts' own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from failover.cloud.compute import Cloud
from failover.hosts import fan_out, specs
from failover.hosts.hook_runner import HookRunner, Hosts
from failover.model.attachments import Attachment, Attachments
from failover.model.host.host_spec import HostDocument
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus, Trouble
from failover.model.outcome import Usage
from failover.model.site import Client, ClientMode, Site
from failover.model.stack_output import Server, Stack
from failover.observe import console_line, over_ssh
from failover.plan.silence import NFS_PORT

_ACCEPTS = f"port {NFS_PORT} accepts connections from here"


class Observer:
    """Looks; never changes anything.

    Raises Unknown for what the API does not answer, Usage for a fault of the site's own configuration. A host
    that could not be checked has the reason in its own status; the other hosts are still checked.
    """

    def __init__(self, site: Site, cloud: Cloud, hosts: Hosts) -> None:
        self._site = site
        self._cloud = cloud
        self._hosts = hosts

    def observe(self, stack: Stack, target: str, mode: ClientMode) -> Observation:
        """Everything at once, in parallel. `mode`: how clients would be remediated (remount, reboot)."""
        with ThreadPoolExecutor(max_workers=len(stack.servers) + 1) as pool:
            clients = pool.submit(self.clients, stack, target, mode)
            attachments = self.attachments(stack)
            servers = [pool.submit(self.server, s, stack, attachments) for s in stack.servers.values()]
            return Observation(
                stack=stack,
                target=target,
                servers={status.server.name: status for status in (f.result() for f in servers)},
                attachments=attachments,
                clients=clients.result(),
                reach=self._site.ssh.reach,
            )

    def attachments(self, stack: Stack) -> Attachments:
        """Who holds each volume now, by the API."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            per_volume = pool.map(
                lambda v: self._cloud.attachments(stack, v.volume_id), stack.volumes.values()
            )
            return Attachments(dict(zip(stack.volumes, per_volume, strict=True)))

    def server(self, server: Server, stack: Stack, attachments: Attachments) -> ServerStatus:
        """One server. Its hooks check it when it holds a volume and should be running; another is greeted."""
        if server.instance_id is None:
            return ServerStatus(server, None)
        held = attachments.held_by(server.instance_id)
        state = self._cloud.server_state(server, stack, bool(held))
        if state != "RUNNING" or server.address is None:
            return ServerStatus(server, state)
        if not self._site.ssh.reach:
            return ServerStatus(server, state, in_service=bool(held) and self.in_service(server, held))
        host = self._hosts.at(server.name, server.address)
        if not held:
            return self._standing_by(server, state, host)
        spec = specs.server_spec(stack, held, self._site.deadlines.hooks)
        with ThreadPoolExecutor(max_workers=1) as pool:  # beside the login: a dead server is waited for once
            takes = pool.submit(host.ssh.accepts, NFS_PORT)
            if specs.whole(stack, spec):
                facts = over_ssh.check(host, spec, self._site.deadlines.hooks)
            else:  # no portal is known yet: there is no spec to check
                facts = over_ssh.greet(host)
            signs = (_ACCEPTS,) if facts["presence"] is Presence.SILENT and takes.result() else ()
        return ServerStatus(server, state, **facts, signs=signs)

    def _standing_by(self, server: Server, state: str, host: HookRunner) -> ServerStatus:
        """A server without volumes is greeted where its host key can be known: it is a witness."""
        if not server.adopted and not self._hosts.keys.of(server.address or "", server.instance_id):
            return ServerStatus(server, state)
        return ServerStatus(server, state, **over_ssh.greet(host))

    def in_service(self, server: Server, held: Mapping[str, Attachment]) -> bool:
        """Whether the server's console says that it serves what it holds: all that is known without SSH."""
        if server.adopted or server.instance_id is None:  # an adopted server has no boot service
            return False
        return console_line.in_service(self._cloud.console(server.instance_id), (a.id for a in held.values()))

    def clients(
        self,
        stack: Stack,
        target: str,
        mode: ClientMode,
        ended: Callable[[int], None] = lambda _: None,
    ) -> tuple[ClientStatus, ...]:
        """Every client of the site, by its own check, all at the same time; a mount that hangs is never
        touched. `ended`: called with the number of clients that have been checked so far.

        What this machine's settings say of one client, such as a `Host` block that cannot be used, is that
        client's trouble. Raises Usage where they let nobody be reached.
        """
        listed = self._site.clients
        if not self._site.ssh.reach:
            return tuple(ClientStatus(client, Presence.NOT_ASKED) for client in listed)
        hosts = {client: self._hosts.of_client(client, stack, target) for client in listed}
        seconds = self._site.deadlines.client

        async def check(client: Client, begun: Callable[[], None]) -> ClientStatus | Trouble:
            async def spec() -> HostDocument:
                return specs.client_spec(client, stack, target, mode, seconds)

            try:
                return ClientStatus(client, **await over_ssh.checked(hosts[client], spec, seconds, begun))
            except Usage as error:
                return Trouble(error.reason, error.remedy)

        return _by_client(listed, fan_out.results(listed, check, ended))


def _by_client(
    clients: Sequence[Client], results: Sequence[ClientStatus | Trouble]
) -> tuple[ClientStatus, ...]:
    faults = [result for result in results if isinstance(result, Trouble)]
    if faults and len(faults) == len(results):
        raise Usage(faults[0].reason, faults[0].remedy)
    return tuple(
        ClientStatus(client, Presence.UNKNOWN, trouble=result) if isinstance(result, Trouble) else result
        for client, result in zip(clients, results, strict=True)
    )
