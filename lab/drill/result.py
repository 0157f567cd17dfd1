"""What a drill found: its timeline, its figures, and what is not as it has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

_BAR = 40


@dataclass
class Switchover:
    """One move of the service. `outage_seconds`: from the client's last acknowledged write to its next."""

    target: str
    seconds: float | None = None
    outage_seconds: float | None = None


@dataclass
class DrillResult:
    """One drill. `missing` is what is not as it has to be; empty means that it really worked. `fstabs`: whose
    fstab was as its owner would want it, and when."""

    mode: str = "dead"
    phases: list[tuple[str, float]] = field(default_factory=list)
    moves: list[Switchover] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    active: str | None = None
    records_acknowledged: int | None = None
    records_lost: int | None = None
    second_plan_changes: int | None = None
    attached_twice: int = 0
    fstabs: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """done, or failed."""
        return "failed" if self.missing else "done"

    def require(self, condition: bool, otherwise: str) -> None:
        """Note what is missing."""
        if not condition:
            self.missing.append(otherwise)

    def observed(self, targets: Mapping[str, str]) -> dict[str, list[str]]:
        """By run: what the client saw, a line each, of the newest run to each target that was proven.

        `targets`: each run's target, the oldest run first.
        """
        newest = {target: run for run, target in targets.items()}
        return {
            newest[move.target]: self._client_lines(move.outage_seconds)
            for move in self.moves
            if move.outage_seconds is not None and move.target in newest
        }

    def _client_lines(self, outage_seconds: float) -> list[str]:
        lines = [f"{outage_seconds:.1f} s, from the client's last acknowledged write to its next"]
        if self.records_acknowledged is not None:
            lines.append(
                f"{self.records_acknowledged} records acknowledged, {self.records_lost} of them lost"
            )
        return lines

    def document(self) -> dict[str, Any]:
        """The story as JSON-ready values; seconds are wall time, and None where they were not measured.

        "outcome" (done, failed), "mode" and "active" are texts; "phases": "name" and "seconds" of each;
        "failover_seconds" and "outage_seconds" are those of the first of "moves", which have "target",
        "seconds" and "outage_seconds"; "records_acknowledged", "records_lost", "second_plan_changes" and
        "attached_twice" are numbers; "fstabs" and "missing": texts.
        """
        first = self.moves[0] if self.moves else Switchover("")
        return {
            "outcome": self.outcome,
            "mode": self.mode,
            "active": self.active,
            "phases": [{"name": n, "seconds": round(s, 3)} for n, s in self.phases],
            "failover_seconds": first.seconds,
            "outage_seconds": first.outage_seconds,
            "moves": [vars(move) for move in self.moves],
            "records_acknowledged": self.records_acknowledged,
            "records_lost": self.records_lost,
            "second_plan_changes": self.second_plan_changes,
            "attached_twice": self.attached_twice,
            "fstabs": self.fstabs,
            "missing": self.missing,
        }


def show(story: DrillResult, console: Console) -> None:
    """The timeline, the outage, and how it ended."""
    longest = max((s for _, s in story.phases), default=0) or 1.0
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for name, seconds in story.phases:
        table.add_row(name, f"{seconds:.1f}", "█" * max(1, round(_BAR * seconds / longest)))
    console.print(table)
    for move in story.moves:
        if move.outage_seconds is not None:
            console.print(f"outage as the client saw it, to {move.target}: {move.outage_seconds:.1f} s")
    console.print(
        f"records acknowledged: {story.records_acknowledged}, lost: {story.records_lost}; "
        f"second plan: {story.second_plan_changes} changes"
    )
    for line in story.missing:
        console.print(f"MISSING: {line}", markup=False, soft_wrap=True)
    console.print(f"drill {story.outcome}")
