"""An exit code of the README's table for whatever ends a verb."""

from __future__ import annotations

import builtins

import pytest

from failover.command.guarded import guarded
from failover.prompt import typed


def test_ctrl_c_is_said_and_has_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert guarded(interrupted) == 5
    assert capsys.readouterr().err == "unknown: interrupted\n   remedy: run the same command again\n"


def test_an_input_that_ends_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", ended)
    assert typed("Type nfs-srv-2 to go on: ") == ""
