"""The verbs of a pipeline's job: its credentials, and its comment on the pull request."""

from __future__ import annotations

import os
from pathlib import Path

from failover.command.guarded import guarded
from failover.pipeline import credentials as secrets
from failover.pipeline import pull_request


def credentials() -> int:
    """Write the secrets of the environment to files, and name the files; the exit code."""
    return guarded(lambda: print("\n".join(f"written: {p}" for p in secrets.write(os.environ, Path.home()))))


def comment(file: str) -> int:
    """Put the plan in `file` on the pull request of this job, and print where it is; the exit code."""
    return guarded(lambda: print(pull_request.renew(pull_request.text(Path(file)), os.environ)))
