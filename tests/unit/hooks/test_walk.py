"""The order in which a takeover calls its layers: what only explains comes when clients are served."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from tests.unit.hooks.scripted_host import PlannedHost, fixture

CALLS: list[str] = []


def layer(name: str, after: str = PRESENT) -> Any:
    """A layer that is absent until it is applied."""
    state = [ABSENT]

    def apply(*_: object) -> list[str]:
        CALLS.append(f"apply {name}")
        state[0] = after
        return [f"{name} made"]

    def afterwards(_: object) -> list[str]:
        CALLS.append(f"afterwards {name}")
        return ["a hint"]

    def begin(*_: object) -> None:
        CALLS.append(f"begin {name}")

    def check(*_: object) -> LayerFinding:
        return LayerFinding(state[0], name)

    return SimpleNamespace(
        NAME=name, check=check, apply=apply, release=apply, afterwards=afterwards, begin=begin
    )


def applied(monkeypatch: pytest.MonkeyPatch, root: Path, *layers: Any) -> list[tuple[str, str]]:
    CALLS.clear()
    monkeypatch.setattr(walk, "_SERVER", tuple((one, "exports") for one in layers))
    done = walk.apply(PlannedHost(str(root), {}), parse(fixture("server-spec.json")), ())
    return [(one.state, one.message) for one in done]


def test_hints_come_after_the_last_layer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = applied(monkeypatch, tmp_path, layer("nfs"), layer("address"))
    assert CALLS == [
        "begin nfs",
        "begin address",
        "apply nfs",
        "apply address",
        "afterwards nfs",
        "afterwards address",
    ]
    assert found == [(PRESENT, "nfs made; a hint"), (PRESENT, "address made; a hint")]


def test_a_layer_that_failed_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    states = [state for state, _ in applied(monkeypatch, tmp_path, layer("nfs", BROKEN), layer("address"))]
    assert (states, [call for call in CALLS if "afterwards" in call]) == ([BROKEN], [])
