"""A read-only look at everything a plan depends on: Terraform's state, the API, the hosts' own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from failover import console, specs
from failover.answer import Answer
from failover.cloud import Cloud
from failover.contract import Server, Stack
from failover.hosts import HookedHost, Hosts
from failover.seen import Attachment, ClientSeen, Observation, Presence, ServerSeen
from failover.site import Client, Site
from failover.ssh import Silent


class Observer:
    """Looks; never changes anything. Raises Unknown for whatever could not be learnt."""

    def __init__(self, site: Site, cloud: Cloud, hosts: Hosts) -> None:
        self._site = site
        self._cloud = cloud
        self._hosts = hosts

    def observe(self, stack: Stack, target: str, mode: str) -> Observation:
        """Everything at once, in parallel. `mode`: how clients would be remediated (remount, reboot)."""
        with ThreadPoolExecutor(max_workers=32) as pool:
            clients = [pool.submit(self.client, c, stack, target, mode) for c in self._site.clients]
            attachments = self.attachments(stack)
            servers = [pool.submit(self.server, s, stack, attachments) for s in stack.servers.values()]
            return Observation(
                stack=stack,
                target=target,
                servers={seen.server.name: seen for seen in (f.result() for f in servers)},
                attachments=attachments,
                clients=tuple(f.result() for f in clients),
                reach=self._site.ssh.reach,
            )

    def attachments(self, stack: Stack) -> dict[str, tuple[Attachment, ...]]:
        """Who holds each volume now, by the API."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = pool.map(
                lambda v: self._cloud.attachments(stack.compartment_id, v.volume_id), stack.volumes.values()
            )
            return dict(zip(stack.volumes, found, strict=True))

    def server(
        self, server: Server, stack: Stack, attachments: Mapping[str, tuple[Attachment, ...]]
    ) -> ServerSeen:
        """One server. Its hooks are asked only when it holds a volume and should be running."""
        if server.instance_id is None:
            return ServerSeen(server, None)
        state = self._cloud.instance_state(server.instance_id)
        held = {n: a for n, f in attachments.items() for a in f if a.instance_id == server.instance_id}
        if state != "RUNNING" or server.address is None or not held:
            return ServerSeen(server, state)
        if not self._site.ssh.reach:
            return ServerSeen(server, state, in_service=self.in_service(server, held))
        host = self._hosts.at(server.name, server.address)
        spec = specs.server_spec(stack, held, self._site.deadlines.hooks)
        if not all(g["volumes"] for g in spec["volume_groups"]):  # no portal is known yet: nothing to check
            return ServerSeen(server, state, *self._ask(lambda: self._greet(host)))
        return ServerSeen(server, state, *self._ask(lambda: self._check(host, spec)))

    def in_service(self, server: Server, held: Mapping[str, Attachment]) -> bool:
        """Whether the server's console says that it serves what it holds: all that is known without SSH."""
        if server.adopted or server.instance_id is None:  # an adopted server has no boot service
            return False
        return console.in_service(self._cloud.console(server.instance_id), (a.id for a in held.values()))

    def client(self, client: Client, stack: Stack, target: str, mode: str) -> ClientSeen:
        """One client, by its own check; an NFS mount that hangs is never touched."""
        if not self._site.ssh.reach:
            return ClientSeen(client, Presence.NOT_ASKED)
        spec = specs.client_spec(client, stack, target, mode, self._site.deadlines.client)
        host = self._hosts.at(client.name, client.address)
        return ClientSeen(client, *self._ask(lambda: self._check(host, spec)))

    def _check(self, host: HookedHost, spec: Mapping[str, object]) -> Answer:
        return host.hooks("check", spec, self._site.deadlines.hooks)

    @staticmethod
    def _greet(host: HookedHost) -> None:
        host.ssh.run(["true"], 60)

    @staticmethod
    def _ask(question: Callable[[], Answer | None]) -> tuple[Presence, Answer | None]:
        try:
            return Presence.ANSWERS, question()
        except Silent:
            return Presence.SILENT, None
