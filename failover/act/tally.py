"""How far the clients of a run are: counted, and what they came to in groups. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from failover.model import nodeset


@dataclass
class Tally:
    """The clients under way. `ended`: by name, how it ended (done, failed, unreachable) and the text."""

    total: int
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, name: str, how: str, text: str, address: str = "") -> None:
        """One has ended."""
        self.ended[name] = (how, nodeset.impersonal(text, name, address))

    @property
    def left(self) -> int:
        """How many have not ended."""
        return self.total - len(self.ended)

    @property
    def line(self) -> str:
        """The one line of progress."""
        counts = self._counts()
        return ", ".join([f"{counts[how]} {how}" for how in counts] + [f"{self.left} left"])

    def summary(self) -> Iterator[str]:
        """A line for each group of clients that came to the same; those that failed stand last."""
        for how in self._counts():
            mine = [(name, text) for name, (ended, text) in self.ended.items() if ended == how]
            for names, text in nodeset.grouped(mine):
                yield f"{how}: {len(names)} ({nodeset.folded(names)}): {text}"

    def _counts(self) -> Mapping[str, int]:
        order = ("done", "unreachable", "failed")
        return {how: sum(one == how for one, _ in self.ended.values()) for how in order}
