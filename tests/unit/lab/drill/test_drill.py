"""A drill prints at its end where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.drill import drill
from lab.drill.drill import Choices
from lab.drill.result import DrillResult


class Over:
    """A drill that is over; with a lab, it is kept."""

    def __init__(self, run: Path, choices: Choices, _: object) -> None:
        self._choices = choices
        self.kept = run.parent / "drills" / "one" if run.exists() else None

    def tell(self) -> DrillResult:
        return DrillResult(self._choices.mode)


@pytest.mark.parametrize("lab", [True, False])
def test_the_folder_is_printed_where_there_is_one(
    lab: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if lab:
        (tmp_path / "lab").mkdir()
    monkeypatch.setattr(drill, "Drill", Over)
    assert drill.main(tmp_path / "lab", Choices(), as_json=False) == 0
    assert (f"it is kept in {tmp_path}/drills/one, until" in capsys.readouterr().out) == lab
