"""What of a verb's words is shown in a drill: all but the path of a report that the lab takes with it."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from failover.report import write
from failover.report.report import Report
from lab.drill.operator import Operator
from lab.system.errors import HardwareError
from tests.page import example


class Printing(Operator):
    """An operator whose every verb prints this text."""

    def __init__(self, lab: Path, text: str, code: int = 0) -> None:
        self.shown = StringIO()
        super().__init__(lab / "site.toml", Console(file=self.shown), pytest.fail)
        self._script = f"import sys; print({text!r}); sys.exit({code})"

    def _command(self, verb: str, *argv: str) -> list[str]:
        return [sys.executable, "-c", self._script]


def ending(lab: Path) -> str:
    """What a run of the lab prints at its end, as the product prints it."""
    folder = lab / "runs" / example.ID
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("".join(json.dumps(event) + "\n" for event in example.done()))
    text = StringIO()
    write.keep(Report("nfs-srv-2", folder=folder), Console(file=text, soft_wrap=True, highlight=False))
    return text.getvalue()


def test_the_path_of_a_report_in_the_lab_is_not_shown(tmp_path: Path) -> None:
    lines = ["switch: done", *ending(tmp_path).splitlines(), "report: another", '{"outcome": "done"}']
    path = f"report: {tmp_path}/runs/{example.ID}/report.html"
    assert path in lines
    operator = Printing(tmp_path, "\n".join(lines))
    printed, code = operator.run("failover")
    assert (code, printed) == (0, [f"{line}\n" for line in lines])
    expected = [f"    | {line}" for line in lines[:-1] if line != path]
    assert operator.shown.getvalue().splitlines() == expected


def test_output_is_returned_and_not_shown(tmp_path: Path) -> None:
    operator = Printing(tmp_path, "# Failover\n\n- a line")
    assert operator.output("report", "latest") == "# Failover\n\n- a line\n"
    assert operator.shown.getvalue() == ""


def test_output_of_a_verb_that_fails_raises(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="found none"):
        Printing(tmp_path, "found none", code=2).output("report", "latest")
