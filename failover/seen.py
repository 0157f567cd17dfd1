"""The values of an observation: what the planner may look at, free of anything that could look again."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from failover.answer import Answer
from failover.contract import Server, Stack
from failover.site import Client


@dataclass(frozen=True)
class Attachment:
    """One volume attachment as the API has it. `state` is OCI's lifecycle state."""

    id: str
    volume_id: str
    instance_id: str
    state: str
    iqn: str
    address: str
    port: int
    shareable: bool


class Presence(enum.Enum):
    """Whether a host let us in. SILENT is no proof that it is down."""

    ANSWERS = "answers"
    SILENT = "silent"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True)
class ServerSeen:
    """A server: OCI's state of its instance (None: no instance), and its hooks' check where it was asked.

    `in_service`: its console says that it serves what it holds; looked at only where SSH does not reach.
    """

    server: Server
    instance_state: str | None
    presence: Presence = Presence.NOT_ASKED
    answer: Answer | None = None
    in_service: bool = False


@dataclass(frozen=True)
class ClientSeen:
    """A client, checked against the target as its server."""

    client: Client
    presence: Presence
    answer: Answer | None = None


@dataclass(frozen=True)
class Observation:
    """Everything the planner may look at. `attachments`: by volume name, all that are not DETACHED.

    `reach`: whether hosts are asked over SSH from here at all.
    """

    stack: Stack
    target: str
    servers: Mapping[str, ServerSeen]
    attachments: Mapping[str, tuple[Attachment, ...]]
    clients: tuple[ClientSeen, ...]
    reach: bool = True
