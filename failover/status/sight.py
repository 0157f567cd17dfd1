"""Everything that `status` has seen, as values. What could not be read is there with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from failover.cloud.resources import ImageFacts
from failover.model.attachments import Attachment
from failover.model.observation import ClientStatus, Observation, Presence, ServerStatus
from failover.model.site import Objectives
from failover.model.stack_output import Stack
from failover.model.switch_record import Switched
from failover.runs.history import History
from failover.runs.hold import Hold

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """Why something is not known, and what to do about it. It is never taken for "down"."""

    reason: str
    remedy: str = ""


NOT_LOOKED_AT = Unread("not looked at")
NO_STACK = Unread("not known without Terraform's state")


@dataclass(frozen=True)
class Sight:
    """One look at a site.

    `written`: the server that active.auto.tfvars names; `committed`: the same in Git's HEAD; each None where
    the site has no such file or checkout. `states`: OCI's lifecycle state by server, None without an
    instance. `attachments`: by volume, all that are not DETACHED. `servers`: what each server's own check
    came to. `images`: of servers that would be launched. `under_way`: who works on the site now, "" for none.
    `commit`: the Git command that would bring HEAD up to date. `hold`: the old server that is kept as it is.
    `unfinished`: the target of the newest run where that did not end well, "" for none.
    """

    site: str
    at: datetime
    stack: Stack | Unread
    switched: Switched | Unread | None = NOT_LOOKED_AT
    written: str | Unread | None = NOT_LOOKED_AT
    committed: str | Unread | None = NOT_LOOKED_AT
    commit: str = ""
    states: Mapping[str, str | Unread | None] = field(default_factory=dict)
    attachments: Mapping[str, tuple[Attachment, ...] | Unread] = field(default_factory=dict)
    servers: Mapping[str, ServerStatus] = field(default_factory=dict)
    clients: tuple[ClientStatus, ...] = ()
    images: Mapping[str, ImageFacts | Unread] = field(default_factory=dict)
    history: History | Unread = NOT_LOOKED_AT
    under_way: str = ""
    unfinished: str = ""
    hold: Hold | Unread | None = None
    objectives: Objectives = field(default_factory=Objectives)
    reach: bool = True
    seconds: float = 0.0

    @property
    def active(self) -> str | None:
        """The active server by Terraform's state; None where that is not known."""
        return None if isinstance(self.stack, Unread) else self.stack.active

    def held(self, server: str) -> Hold | None:
        """The hold of this server, while it is in force."""
        hold = self.hold if isinstance(self.hold, Hold) else None
        return hold if hold and hold.server == server and hold.is_in_force(self.at) else None

    def held_by(self, server: str) -> dict[str, Attachment]:
        """The attachments to this server's instance, by volume, as far as they are known."""
        if isinstance(self.stack, Unread) or self.stack.servers[server].instance_id is None:
            return {}
        instance = self.stack.servers[server].instance_id
        known = {n: many for n, many in self.attachments.items() if not isinstance(many, Unread)}
        return {n: one for n, many in known.items() for one in many if one.instance_id == instance}

    def unread(self) -> tuple[str, ...]:
        """What is not known and why, a line each."""
        return tuple(dict.fromkeys(self._unread()))

    def _unread(self) -> list[str]:
        named: list[tuple[str, object]] = [
            ("Terraform's state", self.stack),
            ("the last switch", self.switched),
            ("active.auto.tfvars", self.written),
            ("Git", self.committed),
            ("the history", self.history),
            ("the hold", self.hold),
            *((f"the instance of {name}", state) for name, state in self.states.items()),
            *((f"attachments of {name}", reading) for name, reading in self.attachments.items()),
            *((f"the image of {name}", reading) for name, reading in self.images.items()),
        ]
        lines = [f"{what}: {_sentence(x)}" for what, x in named if isinstance(x, Unread) and _is_worth(x)]
        for one in self.servers.values():
            if one.presence in (Presence.SILENT, Presence.UNKNOWN):
                lines.append(f"{one.server.name} itself: {why_unknown(one)}")
        for client in self.clients:
            if client.presence in (Presence.SILENT, Presence.UNKNOWN):
                lines.append(f"client {client.client.name}: {why_unknown(client)}")
        return lines


def of_run(site: str, observation: Observation, at: datetime, objectives: Objectives) -> Sight:
    """The same of what a run has observed; what a run does not look at is not known."""
    return Sight(
        site,
        at,
        observation.stack,
        states={name: one.instance_state for name, one in observation.servers.items()},
        attachments=dict(observation.attachments),
        servers=observation.servers,
        clients=observation.clients,
        objectives=objectives,
        reach=observation.reach,
    )


def why_unknown(one: ServerStatus | ClientStatus) -> str:
    """Why the state of a host is not known, in words."""
    if one.trouble:
        return one.trouble.reason
    return one.attempt.line if one.attempt else "it does not answer SSH"


def _is_worth(unread: Unread) -> bool:
    return unread not in (NOT_LOOKED_AT, NO_STACK)


def _sentence(unread: Unread) -> str:
    return f"{unread.reason} ({unread.remedy})" if unread.remedy else unread.reason
