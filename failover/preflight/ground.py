"""What the checks look at: the stack, the API, the hosts. Every question is asked once."""

from __future__ import annotations

from failover.answer import Answer
from failover.cloud import GONE, SERVER_TAG
from failover.cloud_found import ImageFound, InstanceFound, SubnetFound, VolumeFound
from failover.cloud_reads import CloudReads
from failover.contract import Launch, Server, Stack
from failover.hosts import HookedHost, Hosts
from failover.observe import Observer
from failover.preflight import survey
from failover.preflight.once import Once
from failover.seen import Attachment, ClientSeen, Observation, ServerSeen
from failover.site import Client, Site
from failover.stack import StackRunner


class Ground:
    """One target of one site. `seen`: what a run under way has observed already, None for preflight alone."""

    def __init__(
        self,
        site: Site,
        stack: Stack,
        target: str,
        reads: CloudReads,
        terraform: StackRunner,
        hosts: Hosts,
        observer: Observer,
        seen: Observation | None = None,
    ) -> None:
        self.site = site
        self.stack = stack
        self.target: Server = stack.servers[target]
        self.reads = reads
        self.terraform = terraform
        self.hosts = hosts
        self.seen = seen
        self._observer = observer
        self._once = Once()

    def ask_ahead(self) -> None:
        """Begin every question about the stack's instances and volumes: 32 take no longer than 1."""
        for server in self.stack.servers.values():
            if server.instance_id:
                self._once.begin(self.reads.instance, server.instance_id)
        for volume in self.stack.volumes.values():
            self._once.begin(self.reads.volume, volume.volume_id)
            self._once.begin(self.reads.attachments, self.stack.compartment_id, volume.volume_id)

    def instances(self) -> tuple[InstanceFound, ...]:
        """All instances of the compartment."""
        return self._once.ask(self.reads.instances, self.stack.compartment_id)

    def instance(self, instance_id: str) -> InstanceFound:
        """One instance."""
        return self._once.ask(self.reads.instance, instance_id)

    def image(self, image_id: str) -> ImageFound:
        """One image."""
        return self._once.ask(self.reads.image, image_id)

    def subnet(self, subnet_id: str) -> SubnetFound:
        """One subnet."""
        return self._once.ask(self.reads.subnet, subnet_id)

    def volume(self, volume_id: str) -> VolumeFound:
        """One volume."""
        return self._once.ask(self.reads.volume, volume_id)

    def attachments(self, volume_id: str) -> tuple[Attachment, ...]:
        """The volume's attachments that are not DETACHED."""
        return self._once.ask(self.reads.attachments, self.stack.compartment_id, volume_id)

    def to_launch(self) -> Launch | None:
        """What the target will be launched with; None when it exists, adopted or launched before."""
        server = self.target
        if server.adopted or (server.exists and not server.instance_id):
            return None
        if server.instance_id and self.instance(server.instance_id).state not in GONE:
            return None
        return None if self.left_behind() else server.launch

    def left_behind(self) -> InstanceFound | None:
        """An instance with the target's tag that the state does not know: a run that was killed made it."""
        tag = (SERVER_TAG, self.target.name)
        return next((i for i in self.instances() if tag in i.tags and i.state not in GONE), None)

    def target_domain(self) -> str | None:
        """The target's availability domain; None when an old state does not tell."""
        if self.target.instance_id:
            return self.instance(self.target.instance_id).availability_domain
        if left := self.left_behind():
            return left.availability_domain
        return self.target.launch.availability_domain if self.target.launch else None

    def client(self, client: Client) -> ClientSeen:
        """A client, by its own check."""
        if self.seen:
            return next(c for c in self.seen.clients if c.client == client)
        return self._once.ask(self._client, client)

    def server(self, name: str) -> ServerSeen:
        """A server, by its own check where it holds volumes."""
        return self.seen.servers[name] if self.seen else self._once.ask(self._server, name)

    def survey(self, name: str) -> Answer | None:
        """What a takeover would refuse on this server; None where that cannot be asked. Raises Silent."""
        return self._once.ask(self._survey, name)

    def host(self, server: Server, address: str) -> HookedHost:
        """The server over SSH."""
        return self.hosts.at(server.name, address)

    def _client(self, client: Client) -> ClientSeen:
        return self._observer.client(client, self.stack, self.target.name, "remount")

    def _survey(self, name: str) -> Answer | None:
        server = self.stack.servers[name]
        if not self.site.ssh.reach or server.address is None:
            return None
        found = {n: self.attachments(v.volume_id) for n, v in self.stack.volumes.items()}
        held = {n: a for n, many in found.items() for a in many if a.instance_id == server.instance_id}
        host = self.host(server, server.address)
        learnt = {} if name == self.stack.active else survey.uuids(survey.known(self))
        return survey.ask(host, self.stack, held, self.site.deadlines.hooks, learnt)

    def _server(self, name: str) -> ServerSeen:
        attachments = {n: self.attachments(v.volume_id) for n, v in self.stack.volumes.items()}
        return self._observer.server(self.stack.servers[name], self.stack, attachments)
