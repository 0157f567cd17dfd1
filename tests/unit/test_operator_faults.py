"""The table of the operator's own faults in docs/faults.md is the one that is tried on guests."""

from __future__ import annotations

from tests.drill.faults.operator_faults import BEGIN, END, table
from tests.paths import ROOT

PAGE = ROOT / "docs" / "faults.md"


def test_the_page_has_every_fault_as_it_is_tried() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown == table(), "bring it up to date: python -m tests.drill.faults.operator_faults"
