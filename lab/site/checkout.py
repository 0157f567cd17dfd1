"""The lab's stack as a checkout: who is active is a line in Git, changed by a commit."""

from __future__ import annotations

import os
from pathlib import Path

from lab.system.command import run

_PERSON = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_PERSON |= {f"GIT_{role}_NAME": "operator" for role in ("AUTHOR", "COMMITTER")}
_PERSON |= {f"GIT_{role}_EMAIL": "operator@example.com" for role in ("AUTHOR", "COMMITTER")}
_ACTIVE = "active.auto.tfvars"


class LabCheckout:
    """RUN/stack under Git. State and plans stay out of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> None:
        """Everything that is there, as the first commit."""
        (self._folder / ".gitignore").write_text("*.tfstate*\n.terraform*\n*.tfplan\n")
        self._git("init", "-q", "-b", "main")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "Adopt the site")

    def ask_for(self, server: str) -> None:
        """The commit that a pull request consists of."""
        (self._folder / _ACTIVE).write_text(f'active_server = "{server}"\n')
        self._git("commit", "-q", "-m", f"Make {server} the active server", _ACTIVE)

    def _git(self, *argv: str) -> None:
        run(["git", *argv], cwd=self._folder, env={**os.environ, **_PERSON})
