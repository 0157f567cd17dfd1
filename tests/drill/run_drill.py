"""Whole drills as processes of their own: what `./inv drill` came to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

# a drill takes 3 to 5 minutes; a machine that also does other work makes it slow, not wrong
DRILL_SECONDS = 1800


def drill(run: Path, *argv: str, tree: Path = ROOT) -> tuple[int, dict, str]:
    """Run `invoke drill` in `tree`; exit code, story, all of its output."""
    command = [sys.executable, "-m", "invoke", "drill", "--json", "--run", str(run), *argv]
    done = subprocess.run(
        command,
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    print(done.stdout)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout
