"""The values of an observation: what the planner may look at, free of anything that could look again."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from failover.model.attachments import Attachments
from failover.model.host.attempt import Attempt
from failover.model.host.hook_report import HookReport
from failover.model.site import Client
from failover.model.stack_output import Server, Stack


class Presence(enum.Enum):
    """Whether a host let us in.

    SILENT: the network towards it was tried, and no login came of it; no proof that it is down
    (failover/plan/silence.py). UNKNOWN: its state could not be learnt, for a reason that may be ours.
    """

    ANSWERS = "answers"
    SILENT = "silent"
    UNKNOWN = "unknown"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True)
class Trouble:
    """Why a host's state is unknown, and what to do about it."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class ServerStatus:
    """A server: OCI's state of its instance (None: no instance), and its hooks' check where it was run.

    `in_service`: its console says that it serves what it holds; looked at only where SSH does not reach.
    `attempt`: the newest login. `signs`: other signs of life, seen from here. `trouble`: where it is UNKNOWN.
    """

    server: Server
    instance_state: str | None
    presence: Presence = Presence.NOT_ASKED
    answer: HookReport | None = None
    in_service: bool = False
    attempt: Attempt | None = None
    signs: tuple[str, ...] = ()
    trouble: Trouble | None = None

    @property
    def released(self) -> bool:
        """Whether its own check says that it has released everything."""
        return bool(self.answer and self.answer.released)


@dataclass(frozen=True)
class ClientStatus:
    """A client, checked against the target as its server. `trouble`: where it is UNKNOWN."""

    client: Client
    presence: Presence
    answer: HookReport | None = None
    attempt: Attempt | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Observation:
    """Everything the planner may look at. `attachments`: by volume name, all that are not DETACHED.

    `reach`: whether hosts can be reached over SSH from here.
    """

    stack: Stack
    target: str
    servers: Mapping[str, ServerStatus]
    attachments: Attachments
    clients: tuple[ClientStatus, ...]
    reach: bool = True
