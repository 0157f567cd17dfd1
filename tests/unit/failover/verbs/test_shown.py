"""What is shown of a name, a path or an address is what it is: no markup and no emoji is read in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.console import Console

from failover.preflight.check import ok
from failover.verbs import preflight
from tests.paths import ROOT


@pytest.mark.parametrize("text", ["[red]x[/red]", r"C\[red]x", "2001:100:a::1", "trailing\\", "[/]"])
def test_a_check_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(highlight=False, emoji=False, width=200)
    console.print(preflight.table((ok("client", text),)))
    assert capsys.readouterr().out.splitlines()[1].split() == ["ok", "client", text]


def _makers(file: Path) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Console"]


def test_no_console_takes_a_part_of_an_ipv6_address_for_an_emoji() -> None:
    made = [(file, call) for file in (ROOT / "failover").rglob("*.py") for call in _makers(file)]
    assert len(made) >= 10
    for file, call in made:
        plain = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
        assert plain.get("emoji") is False, f"{file}:{call.lineno}: fd00:a:b::1 would be shown as an emoji"
