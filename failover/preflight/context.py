"""What the checks look at: the stack, the API, the hosts. Every question is asked once."""

from __future__ import annotations

from collections.abc import Iterable

from failover.cloud.compartments import UNREADABLE, Missing, Places, state_of_missing
from failover.cloud.compute import SERVER_TAG
from failover.cloud.inventory import Unanswered
from failover.cloud.resources import ImageFacts, InstanceFacts, PrivateIp, SubnetFacts, VolumeFacts
from failover.hosts import specs, survey
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.attachments import Attachment, Attachments
from failover.model.host import image_contents
from failover.model.host.hook_report import HookReport
from failover.model.host.image_contents import ImageContents
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus
from failover.model.outcome import FailoverError, Unknown
from failover.model.site import ClientMode
from failover.model.stack_output import Launch, Server, Stack
from failover.ports import Ports
from failover.preflight.memo import Once
from failover.tfvars import variables


class Ground:
    """One target of one site. `observation`: that of a run under way, None for preflight alone.

    Raises Usage for a file of variables that Terraform would not read.
    """

    def __init__(
        self,
        ports: Ports,
        stack: Stack,
        target: str,
        observation: Observation | None = None,
    ) -> None:
        self.site = ports.site
        self.stack = variables.launching(stack, ports.site.terraform)
        self.target: Server = self.stack.servers[target]
        self.reads = ports.reads
        self.runner = ports.runner
        self.hosts = ports.hosts
        self.observation = observation
        self._observer = ports.observer
        self._once = Once()
        self._places = Places(self._compartment_of)
        self._attachments_begun = False

    def prefetch(self) -> None:
        """Begin every question about the stack's instances and volumes: 32 take no longer than 1."""
        for server in self.stack.servers.values():
            if server.instance_id:
                self._once.begin(self.reads.instance, server.instance_id)
        for volume in self.stack.volumes.values():
            self._once.begin(self.reads.volume, volume.volume_id)

    def instances(self) -> tuple[InstanceFacts, ...]:
        """All instances of the compartment."""
        return self._once.ask(self.reads.instances, self.stack.compartment_id)

    def instance(self, instance_id: str) -> InstanceFacts:
        """One instance."""
        return self._once.ask(self.reads.instance, instance_id)

    def server_state(self, server: Server) -> str:
        """The state of a server's instance, judged as in a run (state_of_missing). Raises Unanswered."""
        assert server.instance_id is not None  # noqa: S101 (asked of servers that have one)
        try:
            return self.instance(server.instance_id).state
        except Unanswered as error:
            if error.status != 404:
                raise
            judged = state_of_missing(
                server, self.stack, lambda: self._holds(server), lambda place: self._is_listed(server, place)
            )
            if judged is None or judged == UNREADABLE:
                raise
            return judged

    def _holds(self, server: Server) -> bool:
        """Whether a volume of the stack is attached to the server."""
        return bool(self.every_attachment().held_by(server.instance_id))

    def _is_listed(self, server: Server, place: str) -> bool:
        listed = self._once.ask(self.reads.instances, place)
        return any(i.id == server.instance_id and i.state not in ENDING_OR_ENDED for i in listed)

    def image(self, image_id: str) -> ImageFacts:
        """One image."""
        return self._once.ask(self.reads.image, image_id)

    def subnet(self, subnet_id: str) -> SubnetFacts:
        """One subnet."""
        return self._once.ask(self.reads.subnet, subnet_id)

    def private_ips(self, subnet_id: str) -> tuple[PrivateIp, ...]:
        """All of one subnet."""
        return self._once.ask(self.reads.private_ips, subnet_id)

    def volume(self, volume_id: str) -> VolumeFacts:
        """One volume."""
        return self._once.ask(self.reads.volume, volume_id)

    def attachments(self, volume_id: str) -> tuple[Attachment, ...]:
        """The volume's attachments that are not DETACHED, listed where the stack's instances are.

        Raises Missing when none was listed and a compartment could not be learnt.
        """
        places, unread = self._places.of(self.stack)
        self._ask_attachments(places)
        listed = [self._once.ask(self.reads.attachments, place, volume_id) for place in places]
        by_id = {a.id: a for many in listed for a in many}
        if unread and not by_id:
            raise unread[0]
        return tuple(by_id.values())

    def every_attachment(self) -> Attachments:
        """Who holds each volume of the stack. Raises as `attachments`."""
        return Attachments({n: self.attachments(v.volume_id) for n, v in self.stack.volumes.items()})

    def _ask_attachments(self, places: Iterable[str]) -> None:
        """Begin all of them, once: 32 volumes take no longer than 1."""
        begun, self._attachments_begun = self._attachments_begun, True
        for place in () if begun else places:
            for volume in self.stack.volumes.values():
                self._once.begin(self.reads.attachments, place, volume.volume_id)

    def _compartment_of(self, instance_id: str) -> str:
        try:
            return self.instance(instance_id).compartment_id
        except Unanswered as error:
            raise (Missing(error.reason, "") if error.status == 404 else error) from error

    def to_launch(self) -> Launch | None:
        """What the target will be launched with; None when it exists, adopted or launched before."""
        server = self.target
        if server.adopted or (server.exists and not server.instance_id):
            return None
        if server.instance_id and self.server_state(server) not in ENDING_OR_ENDED:
            return None
        return None if self.left_behind() else server.launch

    def has_instance(self) -> bool:
        """Whether the target has one already, by the state or by its tag. Raises Unanswered."""
        return bool(self.target.instance_id or self.left_behind())

    def left_behind(self) -> InstanceFacts | None:
        """An instance with the target's tag that the state does not know: a run that was killed made it."""
        tag = (SERVER_TAG, self.target.name)
        return next((i for i in self.instances() if tag in i.tags and i.state not in ENDING_OR_ENDED), None)

    def target_domain(self) -> str | None:
        """The target's availability domain; None when an old state does not tell."""
        if self.target.instance_id and self.server_state(self.target) not in ENDING_OR_ENDED:
            return self.instance(self.target.instance_id).availability_domain
        if left := self.left_behind():
            return left.availability_domain
        return self.target.launch.availability_domain if self.target.launch else None

    def clients(self) -> tuple[ClientStatus, ...]:
        """Every client, by its own check, all asked at the same time."""
        return self.observation.clients if self.observation else self._once.ask(self._clients)

    def server(self, name: str) -> ServerStatus:
        """A server, by its own check where it holds volumes."""
        return self.observation.servers[name] if self.observation else self._once.ask(self._server, name)

    def survey(self, name: str) -> HookReport | None:
        """What a takeover would refuse on this server; None where it cannot be reached. Raises Silent."""
        return self._once.ask(self._survey, name)

    def survey_of_active(self) -> HookReport | None:
        """The active server's survey where there is one: what the target is compared with."""
        active = self.server(self.stack.active)
        if active.presence is not Presence.ANSWERS:
            return None
        try:
            return self.survey(active.server.name)
        except (Silent, FailoverError):  # the active server's own check says so
            return None

    def host(self, server: Server, address: str) -> HookRunner:
        """The server over SSH."""
        return self.hosts.at(server.name, address)

    def contents_of_active(self) -> ImageContents | None:
        """What an image of the active server would have now; None where it does not answer.

        Raises Silent, or Unknown where its hooks could not read the disk.
        """
        active = self.server(self.stack.active)
        if active.presence is not Presence.ANSWERS or active.server.address is None:
            return None
        held = self.every_attachment().held_by(active.server.instance_id)
        seconds = min(survey.SECONDS, self.site.deadlines.hooks)
        spec = specs.server_spec(self.stack, held, seconds)
        report = self.host(active.server, active.server.address).hooks("contents", spec, seconds)
        if not report.ok or not report.layers:
            raise Unknown(
                f"{active.server.name}: what its root disk has could not be read: {report.result.message}",
                f"look at {active.server.name}, then run preflight again",
            )
        return image_contents.of_facts(report.layers[0].facts)

    def _clients(self) -> tuple[ClientStatus, ...]:
        return self._observer.clients(self.stack, self.target.name, ClientMode.REMOUNT)

    def _survey(self, name: str) -> HookReport | None:
        server = self.stack.servers[name]
        if not self.site.ssh.reach or server.address is None:
            return None
        held = self.every_attachment().held_by(server.instance_id)
        host = self.host(server, server.address)
        learnt = {} if name == self.stack.active else survey.uuids(self.survey_of_active())
        return survey.ask(host, self.stack, held, self.site.deadlines.hooks, learnt)

    def _server(self, name: str) -> ServerStatus:
        return self._observer.server(self.stack.servers[name], self.stack, self.every_attachment())
