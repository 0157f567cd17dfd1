"""One look at a site: every read beside the others, none of which can end the look."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from failover.checkout import commit as commits
from failover.checkout import request as checkouts
from failover.checkout.git import Checkout
from failover.cloud.resources import ImageFacts
from failover.hosts import descriptors, specs
from failover.hosts.fan_out import FanOut
from failover.hosts.hook_runner import HookRunner, Hosts
from failover.model.attachments import Attachment
from failover.model.host.host_spec import HostDocument
from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.observation import ClientStatus, Presence, ServerStatus, Trouble
from failover.model.outcome import Unknown
from failover.model.site import Client, ClientMode, Site, Transport
from failover.model.stack_output import Server, Stack, Volume
from failover.model.switch_record import Switched
from failover.observe import over_ssh
from failover.report import archive
from failover.runs import history, hold, site_lock
from failover.stack.runner import StackRunner
from failover.status.beside import Beside, Reading, settled, unread
from failover.status.sight import Sight, Unread
from failover.tfvars.variables import image_of_next

if TYPE_CHECKING:
    from failover.cloud.compute import Cloud

LIMIT_SECONDS = 20.0  # beside the time that a login may take
_HOOKS_SECONDS = 30.0

T = TypeVar("T")


class Look:
    """The reads of one site. `stack`: what plans it, or why that could not be opened."""

    def __init__(self, site: Site, stack: StackRunner | Unread, limit: float = LIMIT_SECONDS) -> None:
        """`limit`: seconds after which no read is waited for, beside the time of a login."""
        self._site = site
        self._limit = limit
        self._hooks_seconds = max(limit, _HOOKS_SECONDS)
        self._runner = stack
        self._beside = Beside(limit + site.ssh.connect_seconds)
        self._hosts = Hosts(site)

    def sight(self) -> Sight:
        """Everything. Never raises FailoverError; takes at most the limit and the time of a login."""
        start = time.monotonic()
        descriptors.provide(len(self._site.clients))
        try:
            sight = self._look()
        finally:
            self._hosts.close()
        return replace(sight, seconds=time.monotonic() - start)

    def _look(self) -> Sight:
        stack = self._beside.begin(self._stack)
        # before all else: the site file has the clients, whose logins go on while Terraform reads its state
        hosts = {c: self._hosts.at(c.name, c.address) for c in self._listed}
        clients = FanOut(self._listed, partial(self._check, hosts, stack))
        answers: dict[Client, ClientStatus | Unread] = {}
        asking = self._beside.begin(partial(_collect, clients, answers))
        try:
            sight = self._with_stack(stack)
            if isinstance(sight.stack, Unread):
                return sight
            return replace(sight, clients=self._client_statuses(asking.result(), answers))
        finally:
            clients.abandon()

    def _with_stack(self, reading: Reading[Stack]) -> Sight:
        begin = self._beside.begin
        switched = begin(self._switched)
        git = begin(self._git)
        past = begin(lambda: history.read(self._site.runs))
        owner, held = begin(self._under_way), begin(lambda: hold.read(self._site.runs))
        unfinished = begin(lambda: archive.unfinished(self._site.runs))
        cloud = begin(self._cloud)
        stack = reading.result()
        sight = Sight(
            str(self._site.file),
            datetime.now(UTC),
            stack,
            objectives=self._site.objectives,
            reach=self._reach,
        )
        if isinstance(stack, Stack):
            sight = self._with_site(sight, stack, cloud.result())
        kept, owner_now, target = git.result(), owner.result(), unfinished.result()
        written, committed, commit = (kept, kept, "") if isinstance(kept, Unread) else kept
        return replace(
            sight,
            switched=switched.result(),
            written=written,
            committed=committed,
            commit=commit,
            history=past.result(),
            hold=held.result(),
            under_way=f"not known: {owner_now.reason}" if isinstance(owner_now, Unread) else owner_now,
            unfinished="" if isinstance(target, Unread) else target,
        )

    @property
    def _reach(self) -> bool:
        return self._site.ssh.reach

    @property
    def _listed(self) -> list[Client]:
        """The clients that are asked. The agent may take minutes to take a command: longer than a look."""
        return [c for c in self._site.clients if self._reach and c.transport is Transport.SSH]

    def _cloud(self) -> Cloud:
        # the SDK takes half a second to import: beside the logins
        from failover.cloud.compute import Cloud  # noqa: PLC0415

        return Cloud(self._site.cloud, min(self._site.deadlines.api, self._limit))

    def _stack(self) -> Stack:
        runner = _known(self._runner)
        runner.init()
        return runner.read()

    def _switched(self) -> Switched | None:
        return _known(self._runner).switched()

    def _git(self) -> tuple[str | Unread | None, str | Unread | None, str]:
        """What active.auto.tfvars names, what HEAD has there, and the commit that is missing."""
        file = None if isinstance(self._runner, Unread) else self._runner.active_file
        if file is None:
            return None, None, ""
        written = settled(lambda: checkouts.server(file))
        return written, settled(lambda: _committed(Checkout(file))), _suggestion(file, written)

    def _under_way(self) -> str:
        holder = site_lock.holder(self._site.runs)
        if holder is None:
            return ""
        return "{} on {}, process {}, since {}".format(
            *(holder.get(key, "?") for key in ("user", "host", "pid", "since"))
        )

    def _with_site(self, sight: Sight, stack: Stack, cloud: Cloud | Unread) -> Sight:
        begin = self._beside.begin
        attached = {n: begin(partial(_attachments, cloud, stack, v)) for n, v in stack.volumes.items()}
        images = {n: begin(partial(self._image, s)) for n, s in stack.servers.items() if s.launch}
        sight = replace(sight, attachments={name: reading.result() for name, reading in attached.items()})
        states = {n: begin(partial(_state, cloud, stack, sight, s)) for n, s in stack.servers.items()}
        known = {name: reading.result() for name, reading in states.items()}
        servers = {
            name: begin(partial(self._server, server, stack, known[name], sight.held_by(name)))
            for name, server in stack.servers.items()
        }
        return replace(
            sight,
            states=known,
            servers={n: _server_status(stack.servers[n], known[n], r.result()) for n, r in servers.items()},
            images={name: reading.result() for name, reading in images.items()},
        )

    def _image(self, server: Server) -> ImageFacts:
        from failover.cloud.inventory import CloudReads  # noqa: PLC0415 - as in `_cloud`

        image_id = image_of_next(server, self._site.terraform)
        return CloudReads(self._site.cloud, self._limit).image(image_id)

    def _server(
        self, server: Server, stack: Stack, state: str | Unread | None, held: Mapping[str, Attachment]
    ) -> ServerStatus:
        """Its own check, whatever the API says of its power - unless that says that it is off."""
        known = state if isinstance(state, str) else None
        if server.address is None or state in ("STOPPED", *ENDING_OR_ENDED) or not self._reach:
            return ServerStatus(server, known)
        if not server.adopted and not self._hosts.keys.of(server.address, server.instance_id):
            return ServerStatus(server, known, trouble=Trouble("its host key is not known yet", ""))
        host = self._hosts.at(server.name, server.address)
        spec = specs.server_spec(stack, held, self._hooks_seconds)
        whole = specs.whole(stack, spec)
        facts = over_ssh.check(host, spec, self._hooks_seconds) if whole else over_ssh.greet(host)
        return ServerStatus(server, known, **facts)

    async def _check(
        self,
        hosts: Mapping[Client, HookRunner],
        reading: Reading[Stack],
        client: Client,
        begun: Callable[[], None],
    ) -> ClientStatus:
        """One client: its login at once, its check as soon as the stack is known."""

        async def spec() -> HostDocument:
            stack = _known(await reading.arrived())
            return specs.client_spec(client, stack, stack.active, ClientMode.REMOUNT, self._hooks_seconds)

        return ClientStatus(client, **await over_ssh.checked(hosts[client], spec, self._hooks_seconds, begun))

    def _client_statuses(
        self, end: Unread | None, answers: Mapping[Client, ClientStatus | Unread]
    ) -> tuple[ClientStatus, ...]:
        """Every client of the site, as far as it has answered. `end`: why asking ended before its time."""
        late = end or self._beside.late
        listed = set(self._listed)
        return tuple(
            _client_status(c, answers.get(c, late)) if c in listed else ClientStatus(c, Presence.NOT_ASKED)
            for c in self._site.clients
        )


def _collect(clients: FanOut[Client, ClientStatus], answers: dict[Client, ClientStatus | Unread]) -> None:
    """Ask all clients at the same time, in the one event loop; each answer is there as soon as it came."""
    for batch in clients.as_ended():
        answers.update({c: unread(r) if isinstance(r, BaseException) else r for c, r in batch})


def _known(reading: T | Unread) -> T:
    """The value; raises Unknown with the reason why there is none."""
    if isinstance(reading, Unread):
        raise Unknown(reading.reason, reading.remedy)
    return reading


def _attachments(cloud: Cloud | Unread, stack: Stack, volume: Volume) -> tuple[Attachment, ...]:
    return _known(cloud).attachments(stack, volume.volume_id)


def _state(cloud: Cloud | Unread, stack: Stack, sight: Sight, server: Server) -> str | None:
    if server.instance_id is None:
        return None
    return _known(cloud).server_state(server, stack, bool(sight.held_by(server.name)))


def _committed(checkout: Checkout) -> str | None:
    """The server that HEAD's file names; None without Git, or where HEAD has no such line."""
    text = checkout.committed() if checkout.is_one() else None
    servers = checkouts.LINE.findall(text or "")
    return str(servers[0]) if len(servers) == 1 else None


def _suggestion(file: Path, written: str | Unread) -> str:
    if isinstance(written, Unread) or not commits.suggestion(file, written, None):
        return ""
    return commits.command(file, written, None)


def _server_status(
    server: Server, state: str | Unread | None, reading: ServerStatus | Unread
) -> ServerStatus:
    if not isinstance(reading, Unread):
        return reading
    known = state if isinstance(state, str) else None
    return ServerStatus(server, known, Presence.UNKNOWN, trouble=Trouble(reading.reason, reading.remedy))


def _client_status(client: Client, reading: ClientStatus | Unread) -> ClientStatus:
    if not isinstance(reading, Unread):
        return reading
    return ClientStatus(client, Presence.UNKNOWN, trouble=Trouble(reading.reason, reading.remedy))
