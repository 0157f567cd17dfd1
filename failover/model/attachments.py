"""Who holds each volume, by the API, and the rule on which the safety invariant stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from failover.model.stack_output import Stack


@dataclass(frozen=True)
class Attachment:
    """One volume attachment as the API has it. `state` is OCI's lifecycle state.

    `agent_login`: the instance's agent logs in to it by itself, and again after a logout (AttachVolume's
    isAgentAutoIscsiLoginEnabled; the plugin looks once a minute).
    """

    id: str
    volume_id: str
    instance_id: str
    state: str
    iqn: str
    address: str
    port: int
    shareable: bool
    agent_login: bool = False


class Attachments(Mapping[str, tuple[Attachment, ...]]):
    """By volume name: every attachment that is not DETACHED (ListVolumeAttachments)."""

    def __init__(self, by_volume: Mapping[str, Iterable[Attachment]]) -> None:
        self._by_volume = {name: tuple(many) for name, many in by_volume.items()}

    def __getitem__(self, volume: str) -> tuple[Attachment, ...]:
        return self._by_volume[volume]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_volume)

    def __len__(self) -> int:
        return len(self._by_volume)

    def all(self) -> tuple[Attachment, ...]:
        """Every attachment of every volume."""
        return tuple(one for many in self._by_volume.values() for one in many)

    def held_by(self, instance_id: str | None) -> dict[str, Attachment]:
        """The attachments to this instance, in whatever state, by volume name."""
        return {
            name: one
            for name, many in self._by_volume.items()
            for one in many
            if one.instance_id == instance_id
        }

    def is_only_on(self, volume: str, instance_id: str | None) -> bool:
        """The rule: attached exactly once, ATTACHED, to this instance."""
        return [(one.instance_id, one.state) for one in self[volume]] == [(instance_id, "ATTACHED")]

    def misplaced(self, instance_id: str | None) -> list[str]:
        """The volumes for which the rule does not hold."""
        return [name for name in self if not self.is_only_on(name, instance_id)]

    def describe(self, volume: str, stack: Stack) -> str:
        """Who has the volume, in words: "ATTACHED to nfs-srv-1"."""
        return described(self[volume], stack)


def described(attachments: Iterable[Attachment], stack: Stack) -> str:
    """Where these attachments lead, in words; servers of the stack by their names."""
    words = []
    for one in attachments:
        server = stack.server_of(one.instance_id)
        name = server.name if server else f"{one.instance_id} (no server of this stack)"
        words.append(f"{one.state} to {name}")
    return ", ".join(words) or "not attached"
