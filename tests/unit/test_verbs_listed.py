"""`./inv` lists every verb once, under what it is for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import tasks

ROOT = Path(__file__).resolve().parents[2]


def test_every_verb_is_in_one_group() -> None:
    listed = [name for names in tasks.GROUPS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(tasks.ns.task_names) == {*listed, "verbs"}


@pytest.mark.parametrize("argv", [[], ["--list"], ["-l"]])
def test_they_are_what_inv_shows(argv: list[str]) -> None:
    shown = subprocess.run(
        [ROOT / "inv", *argv], capture_output=True, text=True, check=True, env=dict(os.environ), timeout=120
    ).stdout
    lines = [line.split()[0] for line in shown.splitlines() if line.startswith("  ")]
    assert lines[:2] == ["failover", "plan"]
    assert len(lines) == len(tasks.ns.task_names) - 1
    assert "in the worst hour:" in shown
