"""In the place of a drill's operator: the verb `report` on the runs of a lab, in this process."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from failover.verbs import runs as verbs
from lab.system.errors import HardwareError


class Reporting:
    """`calls`: which reports were made. `fails`: the verb ends with an error."""

    def __init__(self, lab: Path, fails: bool = False) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._fails = fails
        self._site = lab / "site.toml"

    def output(self, verb: str, name: str, flag: str, form: str) -> str:
        self.calls.append((verb, name, flag, form))
        self._site.write_text("")
        with redirect_stdout(StringIO()) as text:
            if self._fails or verbs.report(name, str(self._site), form):
                raise HardwareError("exit 2: report")
        return text.getvalue()


def without_a_site(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No site is configured, and drills are kept in `folder`."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.delenv("NFS_FAILOVER_SITE", raising=False)
    monkeypatch.setattr(verbs, "DRILLS", folder)
