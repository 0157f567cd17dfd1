"""SSH host keys learnt from the cloud's own console: pinned per instance, replaced with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from failover.atomic_file import write_whole


@dataclass(frozen=True)
class PinnedKey:
    """A host key that belongs to one instance at one address. `key` is "ssh-ed25519 AAAA..."."""

    address: str
    key: str
    instance_id: str


class PinnedKeys:
    """The file runs/known_hosts, in OpenSSH's format with the instance's OCID as the comment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, address: str, instance_id: str | None = None) -> tuple[str, ...]:
        """The keys for this address, only those of `instance_id` when it is given."""
        return tuple(
            p.key
            for p in self._read()
            if p.address == address and (instance_id is None or p.instance_id == instance_id)
        )

    def pin(self, address: str, instance_id: str, keys: tuple[str, ...]) -> None:
        """Trust only these keys at the address from now on; keys of an earlier host there are removed."""
        kept = [p for p in self._read() if p.address != address]
        pinned = kept + [PinnedKey(address, key, instance_id) for key in keys]
        write_whole(self.path, "".join(f"{p.address} {p.key} {p.instance_id}\n" for p in pinned).encode())

    def _read(self) -> list[PinnedKey]:
        if not self.path.exists():
            return []
        fields = (line.split() for line in self.path.read_text().splitlines())
        return [PinnedKey(f[0], f"{f[1]} {f[2]}", f[3]) for f in fields if len(f) == 4]
