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


def asking(name: str, acts: bool) -> Any:
    """A layer whose check asks the host's addresses; its act, if it has one to do, runs no command."""
    made = layer(name)

    def check(host: PlannedHost, _: object) -> LayerFinding:
        out = host.query("ip", "-j", "address", "show").out
        return LayerFinding(PRESENT if out == "after" or not acts else ABSENT, out)

    made.check = check
    return made


def test_one_answer_serves_the_check_after_an_act_and_the_next_layer_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(walk, "_SERVER", ((asking("a", True), "exports"), (asking("b", False), "exports")))
    answers = [{"run": "ip -j address show", "out": out} for out in ("before", "after")]
    host = PlannedHost(str(tmp_path), {"commands": answers})
    layers = walk.apply(host, parse(fixture("server-spec.json")), ())
    host.finish()
    assert [(one.layer, one.state, one.message) for one in layers] == [
        ("a", PRESENT, "a made; a hint"),
        ("b", PRESENT, "nothing to do: after; a hint"),
    ]
