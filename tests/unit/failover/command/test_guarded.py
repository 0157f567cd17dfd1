"""An exit code of the README's table for whatever ends a verb."""

from __future__ import annotations

import builtins
import errno
import os
from pathlib import Path

import pytest

from failover.command.guarded import guarded
from failover.command.unexpected import as_unknown
from failover.model.outcome import Failed, FailoverError, Refused
from failover.prompt import typed
from failover.stack.errors import explained


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


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_of_this_machine_is_no_fault_of_ours(tmp_path: Path, code: int) -> None:
    failure = as_unknown(OSError(code, os.strerror(code)), tmp_path)
    assert f"this machine's disk: {os.strerror(code)} ({tmp_path}" in failure.reason
    assert "make room there" in failure.remedy
    assert "report this" not in failure.remedy


@pytest.mark.parametrize(("cmd", "kind"), [("plan", Refused), ("apply", Failed)])
def test_terraform_s_words_for_a_full_disk_have_its_remedy(cmd: str, kind: type[FailoverError]) -> None:
    said = "Error: Failed to write plan file\n\nwrite /site/runs/plans/a.tfplan: no space left on device."
    error = explained(cmd, said)
    assert type(error) is kind
    assert "make room on this machine's disk" in error.remedy
