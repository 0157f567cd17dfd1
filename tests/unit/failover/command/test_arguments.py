"""Values of the command line that invoke(1) itself would take amiss."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from failover.command.arguments import Count, Seconds, refuse_empty
from tests.paths import ROOT


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["clients", "run", "--nodes", "", "--yes"], "--nodes"),
        (["clients", "run", "--nodes="], "--nodes"),
        (["failover", "--active", "nfs-srv-2", "--volumes-from", ""], "--volumes-from"),
        (["report", ""], "an argument"),
    ],
)
def test_an_empty_value_is_named_and_not_taken_for_none(words: list[str], option: str) -> None:
    with pytest.raises(Exit) as caught:
        refuse_empty(words)
    assert (caught.value.message or "").startswith(f"usage: {option} is empty, expected a value\n")
    assert caught.value.code == 2


def test_values_that_only_look_empty_are_taken() -> None:
    refuse_empty(["clients", "run", "--slurm", "-", "--tag", "role=", "--nodes", "0"])


@pytest.mark.parametrize("kind", [Seconds, Count])
@pytest.mark.parametrize("text", ["abc", "1 h", "0x10", "\u4e09"])
def test_what_is_no_number_is_shown(kind: Callable[[str], object], text: str) -> None:
    with pytest.raises(Exit, match=f"usage: found '{text}', expected a") as caught:
        kind(text)
    assert caught.value.code == 2


@pytest.mark.parametrize("text", ["nan", "inf", "-1"])
def test_seconds_that_no_clock_shows_are_refused(text: str) -> None:
    with pytest.raises(Exit, match=f"found '{text}', expected a number of seconds"):
        Seconds(text)
    assert float(Seconds("1e3")) == 1000.0


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--wait", "abc"],
        ["rehearse", "--fsck", "nan"],
        ["backup", "--wait", "-3"],
        ["image", "--keep", "1.5"],
        ["clients", "run", "--nodes", ""],
    ],
)
def test_a_verb_refuses_it_before_it_looks_at_a_site(words: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "NFS_FAILOVER_SITE": str(tmp_path / "none.toml")}
    argv = [str(ROOT / ".venv/bin/invoke"), *words]
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
    assert "none.toml" not in done.stderr
    assert "Traceback" not in done.stderr
