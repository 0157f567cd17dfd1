"""The operator of a drill: runs the project's own verbs as processes, their words on our terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import ROOT

_OUTPUT_SECONDS = 180  # of a verb that reads the disk alone, on a busy machine


class Operator:
    """Somebody before a terminal, with the site's file. `say` is told what is done to the operator."""

    def __init__(self, site_file: Path, console: Console, say: Callable[[str], None]) -> None:
        self._site_file = site_file
        self._console = console
        self._say = say
        # A run prints at its end where its report is: in the lab, which is deleted with its runs. That line
        # is not shown. It is not rewritten either: the folder in which a drill is kept is made after the last
        # run, and a bench keeps none. An option of the product would be there for the lab alone. The drill
        # prints the path of the copy at its end (lab/drill/kept.py).
        self._report_in_lab = f"report: {site_file.parent}/"

    def report(self, verb: str, *argv: str) -> tuple[dict[str, Any], int]:
        """Run a verb with --json; its report and its exit code. Raises HardwareError without a report."""
        lines, code = self.run(verb, "--json", *argv)
        try:
            return json.loads(lines[-1]), code
        except (IndexError, json.JSONDecodeError) as error:
            raise HardwareError(f"`invoke {verb}` gave no report ({code})") from error

    def run(self, verb: str, *argv: str) -> tuple[list[str], int]:
        """Run a verb and show what it prints, all but the path of its report in the lab.

        Returns all lines of its stdout, and its exit code.
        """
        lines: list[str] = []
        with subprocess.Popen(
            self._command(verb, *argv), cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                if not line.startswith(("{", self._report_in_lab)):
                    self._console.print(f"    | {line.rstrip()}", markup=False, soft_wrap=True)
        return lines, process.returncode

    def output(self, verb: str, *argv: str) -> str:
        """Run a verb without showing what it prints; its stdout. Raises HardwareError when it fails."""
        return run(self._command(verb, *argv), cwd=ROOT, deadline_seconds=_OUTPUT_SECONDS).stdout

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
