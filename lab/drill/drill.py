"""The drill: a site is built, a client writes, the server fails, the failover runs, the data is counted."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from lab.client.api_process import CloudError
from lab.drill import failures, hooks_copies
from lab.drill.doors import NAMES, CommandLine, ConsoleApply, DrillDoor, PullRequest
from lab.drill.kept import keep, where
from lab.drill.operator import Operator
from lab.drill.proof import Proof, fstab_fault
from lab.drill.result import DrillResult, Switchover, show
from lab.drill.writer_record import Witness
from lab.hardware.image.variants.catalogue import DEBIAN, VARIANTS
from lab.hardware.volume_watch import VolumeWatch
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR
from lab.site.shapes.known import SHAPES
from lab.site.shapes.shape import BUILT, FAILBACK, FAILOVER, HOME, RELEASED, RETURNED, SETTLED
from lab.system.errors import HardwareError
from lab.system.file_lock import held_alone

T = TypeVar("T")


@dataclass(frozen=True)
class Choices:
    """How the drill is run.

    mode: what happens to nfs-srv-1 (lab/drill/failures.py). clients: remount or reboot. standby: nfs-srv-2 is
    launched beforehand. failback: afterwards the service goes home. comeback: afterwards nfs-srv-1 is
    powered on. lose: an acknowledged record that is removed from the file, to see the drill fail. after:
    seconds that the client writes before the failure. kill_after: seconds after which the operator's process
    is killed (SIGKILL) in the middle of the failover; the same command is then run again. door: who fails
    over (lab/drill/doors.py). hooks: where a new server finds the hooks behind the console's door
    (lab/drill/hooks_copies.py). guests: the variant of all guests (lab/hardware/image/variants/catalogue.py).
    site: which site is built (lab/site/shapes); any but the lab's own is built by hand, and adopted.
    """

    mode: str = "dead"
    clients: str = "remount"
    standby: bool = False
    failback: bool = False
    comeback: bool = False
    lose: int | None = None
    after: float = 0.0
    kill_after: float | None = None
    door: str = "cli"
    hooks: str = "data"
    guests: str = DEBIAN
    site: str = "lab"


class Drill:
    """One drill in the lab of `run`."""

    def __init__(self, run: Path, choices: Choices, console: Console) -> None:
        self.lab = Lab(run, self._say, SHAPES[choices.site])
        self.story = DrillResult(choices.mode)
        self._choices = choices
        self._console = console
        self._start = time.monotonic()
        self._witness = Witness(self.lab.access, self.lab.shape.path)
        self._watch = VolumeWatch(self.lab.directory)
        self._door = self._open(choices.door)
        self.kept: Path | None = None

    def tell(self) -> DrillResult:
        """The whole story; what went wrong is in its `missing`. The lab is taken down in any case.

        A second drill in the same directory would take the first one's guests away: it does nothing.
        """
        run = self.lab.run
        busy = f"a drill runs in {run}: wait for it, or give this one a directory of its own (--run)"
        try:
            with held_alone(run.with_name(f"{run.name}.lock"), busy):
                self._act()
        except HardwareError as error:
            self.story.missing.append(str(error))
        return self.story

    def _act(self) -> None:
        planned = self._choices.mode == "alive"
        try:
            self._timed("lab up", self._up)
            if self._choices.door == "resource-manager":
                self._timed("hooks", lambda: hooks_copies.place(self.lab, self._choices.hooks))
            self._watch.start()
            self._fstabs(BUILT, SERVER, CLIENT)
            if self.lab.shape.server:
                self._timed("settle", self._settle)
            self._timed("writer", self._let_write)
            self._timed(
                f"{SERVER} {self._choices.mode}", lambda: failures.inject(self.lab, self._choices.mode)
            )
            self._move("failover", SUCCESSOR)
            self._fstabs(FAILOVER, SUCCESSOR, CLIENT)
            if planned:
                self._fstabs(RELEASED, SERVER)
            if self._choices.comeback:
                self.story.missing += self._timed("comeback", lambda: failures.power_on_fenced(self.lab))
            if self._choices.failback:
                self._witness.go_on()
                self._move("failback", SERVER)
                self._fstabs(FAILBACK, SUCCESSOR, CLIENT)
                self._fstabs(RETURNED if planned else HOME, SERVER)
            self._nothing_twice()
        except (HardwareError, CloudError) as error:
            self.story.missing.append(str(error))
        finally:
            if self.story.missing:
                self.lab.keep_evidence()
            self._keep()
            self._timed("lab down", self.lab.down)

    def _up(self) -> None:
        choices = self._choices
        hooks_url = hooks_copies.url(choices.hooks)
        self.lab.up(choices.standby, door=choices.door, guests=choices.guests, hooks_url=hooks_url)

    def _settle(self) -> None:
        """The adopted server is made as specified, where it is: its fstab gets what it lacks."""
        self._door.move(SERVER)
        self._fstabs(SETTLED, SERVER, CLIENT)

    def _fstabs(self, moment: str, *hosts: str) -> None:
        """Hold the hosts' fstab against what the site's owner would want.

        The expected files are of Debian's guests, and of clients that name a server.
        """
        if self._choices.door == "resource-manager" or self._choices.guests != DEBIAN:
            return
        for host in hosts:
            wrong = fstab_fault(self.lab, moment, host)
            self.story.require(not wrong, wrong)
            self.story.fstabs += [] if wrong else [f"{host} {moment}"]

    def _keep(self) -> None:
        """The runs and their reports outlive the lab."""
        operator = Operator(self.lab.site_file, self._console, self._say)
        self.kept = keep(self.lab.run, self.story, operator, self._say)

    def _let_write(self) -> None:
        self._witness.await_records(10)
        time.sleep(self._choices.after)

    def _nothing_twice(self) -> None:
        twice = self._watch.stop()
        self.story.attached_twice = len(twice)
        for volume, hosts in twice.items():
            self.story.missing.append(f"{volume} was in use by {' and '.join(sorted(hosts))} at one moment")

    def _move(self, name: str, target: str) -> None:
        """Bring the service to `target`, prove it, and see that the same again has nothing to do."""
        move = Switchover(target)
        self.story.moves.append(move)
        start = time.monotonic()
        moved = self._timed(name, lambda: self._door.move(target))
        move.seconds = round(time.monotonic() - start, 3)
        self.story.phases += moved.phases
        self.story.active = moved.active
        proof = Proof(self.lab, self._witness, self.story, target)
        self._timed("proof", lambda: proof.check(move, self._choices.lose))
        left = self._timed("again", lambda: self._door.again(target))
        self.story.require(not left, left)

    def _open(self, door: str) -> DrillDoor:
        operator = Operator(self.lab.site_file, self._console, self._say)
        if door == "resource-manager":
            return ConsoleApply(self.lab, self._choices.hooks)
        if door == "gitops":
            return PullRequest(self.lab, operator)
        return CommandLine(operator, self._choices.clients, self._choices.kill_after)

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
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    for flag, given, known in (
        ("mode", choices.mode, failures.MODES),
        ("door", choices.door, NAMES),
        ("hooks", choices.hooks, hooks_copies.PLACES),
        ("guests", choices.guests, tuple(VARIANTS)),
        ("site", choices.site, tuple(SHAPES)),
    ):
        if given not in known:
            console.print(f"usage: --{flag} {given}: expected one of {', '.join(known)}", markup=False)
            return 2
    if choices.hooks in hooks_copies.STANDING_BY and not choices.standby:
        needs = "expected --standby with it, a server whose disk is there"
        console.print(f"usage: --hooks {choices.hooks}: {needs}")
        return 2
    drill = Drill(run, choices, console)
    story = drill.tell()
    show(story, console)
    for line in where(drill.kept):
        console.print(line, markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(story.document()) + "\n")
    sys.stdout.flush()
    return 1 if story.missing else 0
