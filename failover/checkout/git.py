"""Git, where the stack's folder is a checkout: who last decided on a file and when; a commit of it alone."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from failover.model.outcome import Refused

_SECONDS = 60.0
# No prompt, no pager, no other language; `core.quotePath` is off where names are read.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "GIT_EDITOR": "true", "LC_ALL": "C"}


@dataclass(frozen=True)
class Commit:
    """A commit. `at`: its author date, which is when the author decided, also after a rebase."""

    sha: str
    at: datetime
    author: str
    subject: str


class Checkout:
    """The checkout that a file lies in. Raises Refused with Git's own words for what Git does not do."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._folder = file.parent

    def is_one(self) -> bool:
        """Whether the file lies in a checkout at all."""
        return self._ran("rev-parse", "--is-inside-work-tree").stdout.strip() == "true"

    def last_commit(self) -> Commit | None:
        """The newest commit that touched the file; None when there is none."""
        line = self._git("log", "-1", "--format=%H%x00%aI%x00%an%x00%s", "--", self.file.name).strip("\n")
        if not line:
            return None
        sha, at, author, subject = line.split("\0")
        return Commit(sha, datetime.fromisoformat(at), author, subject)

    def is_cut_off_at(self, commit: Commit) -> bool:
        """Whether the history ends there (shallow clone): Git then shows every file as touched by it."""
        boundary = self._folder / self._git("rev-parse", "--git-path", "shallow").strip()
        return boundary.exists() and commit.sha in boundary.read_text().split()

    def committed(self) -> str | None:
        """The file's text in HEAD; None when HEAD does not have it."""
        shown = self._ran("show", f"HEAD:./{self.file.name}")
        return shown.stdout if shown.returncode == 0 else None

    def staged_others(self) -> list[str]:
        """What else is staged: paths from the checkout's top."""
        mine = self._git("ls-files", "--full-name", "--", self.file.name).strip()
        names = self._git("-c", "core.quotePath=off", "diff", "--cached", "--name-only")
        return [n for n in names.splitlines() if n != mine]

    def commit(self, message: str) -> str:
        """Commit this file, and nothing else; returns the commit's short name. Nothing is pushed."""
        self._git("commit", "--quiet", "--only", "-m", message, "--", self.file.name)
        return self._git("rev-parse", "--short", "HEAD").strip()

    def _git(self, *argv: str) -> str:
        ran = self._ran(*argv)
        if ran.returncode:
            text = " ".join((ran.stderr or ran.stdout).split())[:500]
            raise Refused(f"git {argv[0]} in {self._folder}: {text}", "mend what Git says, then try again")
        return ran.stdout

    def _ran(self, *argv: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["git", *argv],
                cwd=self._folder,
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise Refused("git is not on the PATH", "install Git") from error
        except subprocess.TimeoutExpired as error:
            raise Refused(
                f"git {argv[0]} in {self._folder} did not end within {_SECONDS:.0f} s",
                "find out what it waits for, then try again",
            ) from error
