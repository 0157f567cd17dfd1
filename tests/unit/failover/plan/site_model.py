"""A model of a site for the planner's tests: what it looks like, and what each kind of step does to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from failover.model.attachments import Attachment, Attachments
from failover.model.host.attempt import Attempt
from failover.model.host.hook_report import HookReport
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus, Trouble
from failover.model.site import Client, ClientMount
from failover.model.stack_output import Server, Stack, Volume
from failover.plan.model import Step, StepKind
from hooks.contract.result import HookResult, Layer

SERVERS = ("nfs-srv-1", "nfs-srv-2", "nfs-srv-3")
VOLUMES = ("bv1", "bv2")


def answer(host: str, state: str) -> HookReport:
    """An answer in which every layer has this state."""
    layers = tuple(Layer(x, state, False, 0.0, f"{x} is {state}", {}) for x in ("iscsi", "lvm"))
    return HookReport(host, HookResult("check", "server", host, True, False, 0.1, "", layers))


def attempt(name: str, answered: bool, way: str = "directly") -> Attempt:
    """A login to this host, from a machine called op-1."""
    result = "it let us in" if answered else "no answer within 10 s"
    return Attempt(name, "10.0.0.9", 22, "opc", way, ("~/.ssh/id",), result, answered, source="op-1")


@dataclass(frozen=True)
class Host:
    """A server of the model. `power`: OCI's state, None while it does not exist. `up`: it answers SSH.

    `signs`: of life, although it does not let us in. `trouble`: why its state could not be learnt.
    """

    power: str | None
    up: bool
    serves: bool = False
    signs: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class World:
    """`held`: volume -> server name or None (detached). `moved`: clients that mount from the target.

    `moving`: volume -> state of its attachment, where that is not ATTACHED. `cut_off`: servers whose fence
    the operator has said to be the detach. `reached`: clients that answer SSH; None: all.
    """

    hosts: dict[str, Host]
    held: dict[str, str | None]
    active: str
    moved: frozenset[str] = frozenset()
    clients: tuple[str, ...] = ("nfs-cli",)
    stranger: bool = field(default=False)
    moving: dict[str, str] = field(default_factory=dict)
    cut_off: frozenset[str] = frozenset()
    reached: frozenset[str] | None = None

    def observe(self, target: str) -> Observation:
        """What an observer of this world would report."""
        servers = {name: self._server(name) for name in self.hosts}
        return Observation(
            stack=self._stack(),
            target=target,
            servers={name: self._seen(servers[name]) for name in servers},
            attachments=Attachments({v: self._attached(v) for v in self.held}),
            clients=tuple(self._client(c) for c in self.clients),
        )

    def after(self, step: Step) -> World:
        """The world once the step has succeeded."""
        hosts = dict(self.hosts)
        held, active, moved, moving = dict(self.held), self.active, self.moved, self.moving
        cut_off = self.cut_off
        subject = step.subject
        if step.kind is StepKind.LAUNCH:
            hosts[subject] = Host("RUNNING", up=False)
        elif step.kind is StepKind.POWER_ON:
            hosts[subject] = replace(hosts[subject], power="RUNNING")
        elif step.kind is StepKind.REACH:
            # it waits for a start as well, and for a login
            hosts[subject] = replace(hosts[subject], power="RUNNING", up=True, trouble="")
        elif step.kind is StepKind.RELEASE:
            hosts[subject] = replace(hosts[subject], serves=False)
        elif step.kind is StepKind.POWER_OFF:
            hosts[subject] = Host("STOPPED", up=False)
        elif step.kind is StepKind.CUT_OFF:
            cut_off = cut_off | {subject}  # its power may be off now, or not: the worse is assumed
        elif step.kind is StepKind.SWITCH:
            self.assert_switch_is_safe(subject)
            held, active, moving = dict.fromkeys(held, subject), subject, {}
        elif step.kind is StepKind.TAKE_OVER:
            hosts[subject] = replace(hosts[subject], serves=True)
        elif step.kind is StepKind.CLIENT:
            moved = moved | {subject}
        changed = {"hosts": hosts, "held": held, "active": active, "moved": moved, "moving": moving}
        return replace(self, **changed, cut_off=cut_off)

    def assert_switch_is_safe(self, target: str) -> None:
        """The invariant in the model's own terms: no other holder can still write."""
        for volume, holder in self.held.items():
            if holder not in (None, target):
                host = self.hosts[holder]
                fenced = host.power == "STOPPED" or not host.serves or holder in self.cut_off
                assert fenced, f"{holder} still serves {volume}"

        assert self.hosts[target].power == "RUNNING"
        assert self.hosts[target].up

    def _stack(self) -> Stack:
        volumes = {v: Volume(v, f"vol-{v}", None, None, None, None, None) for v in self.held}
        return Stack(self.active, "c", {n: self._server(n) for n in self.hosts}, volumes, {"volumes": []})

    def _server(self, name: str) -> Server:
        there = self.hosts[name].power is not None
        return Server(
            name, name, False, there, f"ocid-{name}" if there else None, "10.0.0.9" if there else None
        )

    def _seen(self, server: Server) -> ServerStatus:
        host = self.hosts[server.name]
        holds = [v for v, h in self.held.items() if h == server.name]
        if host.power != "RUNNING" or not holds:
            return ServerStatus(server, host.power)
        tried = attempt(server.name, host.up)
        if host.trouble:
            trouble = Trouble(host.trouble, "mend it")
            return ServerStatus(server, host.power, Presence.UNKNOWN, attempt=tried, trouble=trouble)
        if not host.up:
            return ServerStatus(server, host.power, Presence.SILENT, attempt=tried, signs=host.signs)
        state = "present" if host.serves else "absent"
        return ServerStatus(server, host.power, Presence.ANSWERS, answer(server.name, state), attempt=tried)

    def _attached(self, volume: str) -> tuple[Attachment, ...]:
        holder = self.held[volume]
        if holder is None:
            return ()
        instance = "ocid-stranger" if self.stranger else f"ocid-{holder}"
        return (
            Attachment(
                f"att-{volume}",
                f"vol-{volume}",
                instance,
                self.moving.get(volume, "ATTACHED"),
                "iqn",
                "a",
                1,
                False,
            ),
        )

    def _client(self, name: str) -> ClientStatus:
        client = Client(name, name, (ClientMount("/mnt/a", "/mnt/nfs/a"),))
        if self.reached is not None and name not in self.reached:
            return ClientStatus(client, Presence.SILENT, attempt=attempt(name, answered=False))
        state = "present" if name in self.moved else "broken"
        return ClientStatus(
            client, Presence.ANSWERS, answer(name, state), attempt=attempt(name, answered=True)
        )


def usual(power: str = "RUNNING", up: bool = True, serves: bool = True) -> World:
    """nfs-srv-1 holds everything, nfs-srv-2 does not exist yet."""
    return World(
        hosts={"nfs-srv-1": Host(power, up, serves), "nfs-srv-2": Host(None, up=False)},
        held=dict.fromkeys(VOLUMES, "nfs-srv-1"),
        active="nfs-srv-1",
    )
