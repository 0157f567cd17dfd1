"""A Git repository in which time is given."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


FILE = "active.auto.tfvars"


class Repository:
    """A repository in which time is given, not told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Aiko")
        self.git("config", "user.email", "aiko@example.com")
        self.file = folder / "terraform" / FILE
        self.file.parent.mkdir()

    def git(self, *argv: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *argv],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def decide(self, server: str, at: datetime, comment: str = "", rebased: datetime | None = None) -> None:
        """Commit the line, authored at `at`."""
        self.file.write_text(f'{comment}active_server = "{server}"\n')
        self.git("add", "-A")
        committed = (rebased or at).isoformat()
        message = f"Make {server} the active server"
        self.git("commit", "-qm", message, GIT_AUTHOR_DATE=at.isoformat(), GIT_COMMITTER_DATE=committed)
