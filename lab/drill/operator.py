"""The operator of a drill: runs the project's own verbs as processes, their words on our terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.system.errors import HardwareError
from lab.system.paths import ROOT


class Operator:
    """Somebody before a terminal, with the site's file. `say` is told what is done to the operator."""

    def __init__(self, site_file: Path, console: Console, say: Callable[[str], None]) -> None:
        self._site_file = site_file
        self._console = console
        self._say = say

    def report(self, verb: str, *argv: str) -> tuple[dict[str, Any], int]:
        """Run a verb with --json; its report and its exit code. Raises HardwareError without a report."""
        lines, code = self.run(verb, "--json", *argv)
        try:
            return json.loads(lines[-1]), code
        except (IndexError, json.JSONDecodeError) as error:
            raise HardwareError(f"`invoke {verb}` gave no report ({code})") from error

    def run(self, verb: str, *argv: str) -> tuple[list[str], int]:
        """Run a verb; the lines of its stdout and its exit code."""
        lines: list[str] = []
        with subprocess.Popen(
            self._command(verb, *argv), cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                if not line.startswith("{"):
                    self._console.print(f"    | {line.rstrip()}", markup=False, soft_wrap=True)
        return lines, process.returncode

    def run_and_kill(self, seconds: float, verb: str, *argv: str) -> None:
        """Run a verb, and kill it (SIGKILL) after these seconds; what Terraform does then goes on alone."""
        with subprocess.Popen(
            self._command(verb, *argv), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(seconds)
                self._say(f"the operator's process was through before its {seconds:.1f} s were over")
            except subprocess.TimeoutExpired:
                process.kill()
                self._say(f"the operator's process was killed after {seconds:.1f} s")

    def _command(self, verb: str, *argv: str) -> list[str]:
        return [sys.executable, "-m", "invoke", verb, "--site", str(self._site_file), *argv]
