"""docs/faults.md: its table, out of the rows. `python -m tests.terraform.faults.document` rewrites it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.paths import ROOT
from tests.terraform.faults.kinds import READ_KINDS, TOLD
from tests.terraform.faults.rows import GROUPS, ROWS, Row

FILE = ROOT / "docs" / "faults.md"
COMMAND = "python -m tests.terraform.faults.document"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
_HEAD = "| the call meets | the run ends | the volumes are | serving |\n|---|---|---|---|\n"
_LEFT = {
    "ATTACHED old": "where they were",
    "ATTACHED target": "attached to the target",
    "ATTACHING target": "on their way to the target",
    "DETACHING old": "on their way from the old server",
    "nobody": "not attached",
}
_SERVES = {"old": "the old server, if it can", "target": "the target", "nobody": "nobody"}


def with_table(text: str) -> str:
    """The document with its table as the rows are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(_sections())}{END}{after}"


def _sections() -> Iterator[str]:
    for name, about in GROUPS.items():
        rows = [row for row in ROWS if row.group == name]
        calls = ", ".join(f"`{operation}`" for operation in dict.fromkeys(row.operation for row in rows))
        yield f"\n### {name}\n{calls}. {about}\n\n{_HEAD}{''.join(_lines(rows))}"


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each end; which calls meet it is said where they differ."""
    ends = sorted({_end(row) for row in rows}, key=[_end(row) for row in rows].index)
    operations = list(dict.fromkeys(row.operation for row in rows))
    for end in ends:
        here = [row for row in rows if _end(row) == end]
        by_kinds = groupby(
            sorted(operations, key=lambda o: (_kinds(here, o), operations.index(o))),
            key=lambda o: _kinds(here, o),
        )
        told = "; ".join(_told(kinds, list(some), operations) for kinds, some in by_kinds if kinds)
        outcome, left, serves = end
        yield f"| {told} | {outcome} | {_LEFT[left]} | {_SERVES[serves]} |\n"


def _end(row: Row) -> tuple[str, str, str]:
    return row.end.outcome, row.end.left, row.end.serves


def _kinds(rows: Sequence[Row], operation: str) -> tuple[str, ...]:
    return tuple(row.kind for row in rows if row.operation == operation)


def _told(kinds: Sequence[str], some: Sequence[str], operations: Sequence[str]) -> str:
    every = ["every fault"] if set(READ_KINDS) <= set(kinds) else []
    what = ", ".join(every + [TOLD[kind] for kind in kinds if not (every and kind in READ_KINDS)])
    return what if list(some) == list(operations) else f"{', '.join(some)}: {what}"


if __name__ == "__main__":
    FILE.write_text(with_table(FILE.read_text()))
