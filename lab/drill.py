"""The drill: a site is built, a client writes, the server fails, the failover runs, the data is counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from lab import breakage
from lab.cloud import CloudError
from lab.lifecycle import Lab
from lab.machine import HardwareError
from lab.nfs_site import SERVER, SUCCESSOR
from lab.proof import Proof
from lab.story import Move, Story, show
from lab.watch import Watch
from lab.witness import Witness

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Choices:
    """How the drill is run.

    mode: what happens to nfs-srv-1 (lab/breakage.py). clients: remount or reboot. standby: nfs-srv-2 is
    launched beforehand. failback: afterwards the service goes home. comeback: afterwards nfs-srv-1 is
    powered on. lose: an acknowledged record that is removed from the file, to see the drill fail. after:
    seconds that the client writes before the failure. kill_after: seconds after which the operator's process
    is killed (SIGKILL) in the middle of the failover; the same command is then run again.
    """

    mode: str = "dead"
    clients: str = "remount"
    standby: bool = False
    failback: bool = False
    comeback: bool = False
    lose: int | None = None
    after: float = 0.0
    kill_after: float | None = None


class Drill:
    """One drill in the lab of `run`."""

    def __init__(self, run: Path, choices: Choices, console: Console) -> None:
        self.lab = Lab(run, self._say)
        self.story = Story(choices.mode)
        self._choices = choices
        self._console = console
        self._start = time.monotonic()
        self._witness = Witness(self.lab.access)
        self._watch = Watch(self.lab.directory)

    def tell(self) -> Story:
        """The whole story; what went wrong is in its `missing`. The lab is taken down in any case."""
        try:
            self._timed("lab up", lambda: self.lab.up(standby=self._choices.standby))
            self._watch.start()
            self._timed("writer", self._let_write)
            self._timed(
                f"{SERVER} {self._choices.mode}", lambda: breakage.strike(self.lab, self._choices.mode)
            )
            self._move("failover", SUCCESSOR)
            if self._choices.comeback:
                self.story.missing += self._timed("comeback", lambda: breakage.come_back(self.lab))
            if self._choices.failback:
                self._witness.go_on()
                self._move("failback", SERVER)
            self._nothing_twice()
        except (HardwareError, CloudError) as error:
            self.story.missing.append(str(error))
        finally:
            if self.story.missing:
                self.lab.keep_evidence()
            self._timed("lab down", self.lab.down)
        return self.story

    def _let_write(self) -> None:
        self._witness.await_records(10)
        time.sleep(self._choices.after)

    def _nothing_twice(self) -> None:
        twice = self._watch.stop()
        self.story.attached_twice = len(twice)
        for volume, hosts in twice.items():
            self.story.missing.append(f"{volume} was in use by {' and '.join(sorted(hosts))} at one moment")

    def _move(self, name: str, target: str) -> None:
        """Fail over to `target`, prove it, and see that the same failover again has nothing to do."""
        move = Move(target)
        self.story.moves.append(move)
        report = self._timed(name, lambda: self._fail_over(move))
        proof = Proof(self.lab, self._witness, self.story, target)
        self._timed("proof", lambda: proof.look(move, self._choices.lose))
        self.story.require(report["second_plan_changes"] == 0, "the failover's own second plan was not empty")
        again, code, _ = self._timed("again", lambda: self._invoke("--active", target, "--yes"))
        settled = code == 0 and again["outcome"] == "nothing-to-do"
        self.story.require(settled, f"the same failover again: {again['outcome']}: {again['reason']}")

    def _fail_over(self, move: Move) -> dict[str, Any]:
        argv = ["--active", move.target, "--yes", "--clients", self._choices.clients]
        start = time.monotonic()
        if self._choices.kill_after is not None:
            self._begin_and_die(self._choices.kill_after, *argv)
        report, code, _ = self._invoke(*argv)
        move.seconds = round(time.monotonic() - start, 3)
        self.story.phases += [(f"  {p['name']}", p["seconds"]) for p in report["phases"]]
        self.story.active = report["active"]
        if code:
            raise HardwareError(f"the failover ended {report['outcome']} ({code}): {report['reason']}")
        return report

    def _begin_and_die(self, seconds: float, *argv: str) -> None:
        """Run the same command, and kill it after these seconds; what Terraform does then goes on alone."""
        with subprocess.Popen(
            self._command(*argv), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(seconds)
                self._say(f"the operator's process was through before its {seconds:.1f} s were over")
            except subprocess.TimeoutExpired:
                process.kill()
                self._say(f"the operator's process was killed after {seconds:.1f} s")

    def _command(self, *argv: str) -> list[str]:
        site = str(self.lab.site_file)
        return [sys.executable, "-m", "invoke", "failover", "--json", "--site", site, *argv]

    def _invoke(self, *argv: str) -> tuple[dict[str, Any], int, float]:
        """Run `invoke failover` as an operator would, its words on our terminal; report, code, seconds."""
        command = self._command(*argv)
        start = time.monotonic()
        lines: list[str] = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                lines.append(line)
                if not line.startswith("{"):
                    self._console.print(f"    | {line.rstrip()}", markup=False, soft_wrap=True)
        try:
            return json.loads(lines[-1]), process.returncode, time.monotonic() - start
        except (IndexError, json.JSONDecodeError) as error:
            raise HardwareError(
                f"`{' '.join(command[2:6])}` gave no report ({process.returncode})"
            ) from error

    def _timed(self, name: str, action: Callable[[], T]) -> T:
        self._say(name)
        start = time.monotonic()
        at = len(self.story.phases)
        try:
            return action()
        finally:
            self.story.phases.insert(at, (name, time.monotonic() - start))

    def _say(self, text: str) -> None:
        self._console.print(f"[{time.monotonic() - self._start:7.1f} s] {text}", markup=False, soft_wrap=True)


def main(run: Path, choices: Choices, as_json: bool) -> int:
    """Tell the story on the terminal (and as JSON on the last line); 0 only if it really worked."""
    console = Console(soft_wrap=True, highlight=False)
    if choices.mode not in breakage.MODES:
        console.print(
            f"usage: --mode {choices.mode}: expected one of {', '.join(breakage.MODES)}", markup=False
        )
        return 2
    story = Drill(run, choices, console).tell()
    show(story, console)
    if as_json:
        sys.stdout.write(json.dumps(story.document()) + "\n")
    sys.stdout.flush()
    return 1 if story.missing else 0
