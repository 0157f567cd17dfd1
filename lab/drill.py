"""The drill: a site is built, a client writes, the power is cut, the failover runs, the data is counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from lab.cloud import CloudError
from lab.lifecycle import Lab
from lab.machine import HardwareError
from lab.nfs_site import ADDRESSES, CLIENT, IMAGE_MARK, SERVER, SUCCESSOR
from lab.witness import Record, Witness

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
FAILOVER_SECONDS = 900
_BAR = 40


@dataclass
class Story:
    """What the drill found. `missing` is what is not as it has to be; empty means that it really worked."""

    phases: list[tuple[str, float]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    active: str | None = None
    outage_seconds: float | None = None
    records_acknowledged: int | None = None
    records_lost: int | None = None
    second_plan_changes: int | None = None
    failover_seconds: float | None = None

    @property
    def outcome(self) -> str:
        """done, or failed."""
        return "failed" if self.missing else "done"

    def document(self) -> dict[str, Any]:
        """The story as JSON-ready values; seconds are wall time."""
        return {
            "outcome": self.outcome,
            "active": self.active,
            "phases": [{"name": n, "seconds": round(s, 3)} for n, s in self.phases],
            "failover_seconds": self.failover_seconds,
            "outage_seconds": self.outage_seconds,
            "records_acknowledged": self.records_acknowledged,
            "records_lost": self.records_lost,
            "second_plan_changes": self.second_plan_changes,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Choices:
    """How the drill is run. `clients`: remount or reboot; `standby`: nfs-srv-2 is launched beforehand;
    `lose`: number of an acknowledged record that is removed from the file, to see the drill fail."""

    clients: str = "remount"
    standby: bool = False
    lose: int | None = None


class Drill:
    """One drill in the lab of `run`."""

    def __init__(self, run: Path, choices: Choices, console: Console) -> None:
        self.lab = Lab(run, self._say)
        self.story = Story()
        self._choices = choices
        self._console = console
        self._start = time.monotonic()
        self._witness = Witness(self.lab.access)

    def tell(self) -> Story:
        """The whole story; what went wrong is in its `missing`. The lab is taken down in any case."""
        try:
            self._timed("lab up", lambda: self.lab.up(standby=self._choices.standby))
            self._timed("writer", lambda: self._witness.await_records(10))
            self._timed("crash", lambda: self.lab.crash(SERVER))
            report = self._timed("failover", self._fail_over)
            self._timed("proof", lambda: self._prove(report))
        except (HardwareError, CloudError) as error:
            self.story.missing.append(str(error))
            self.lab.keep_evidence()
        finally:
            self._timed("lab down", self.lab.down)
        return self.story

    def _fail_over(self) -> dict[str, Any]:
        argv = ["--active", SUCCESSOR, "--yes", "--clients", self._choices.clients]
        report, code, seconds = self._invoke(*argv)
        self.story.failover_seconds = round(seconds, 3)
        self.story.phases += [(f"  {p['name']}", p["seconds"]) for p in report["phases"]]
        self.story.active = report["active"]
        if code:
            raise HardwareError(
                f"the failover ended {report['outcome']} (exit code {code}): {report['reason']}"
            )
        return report

    def _invoke(self, *argv: str) -> tuple[dict[str, Any], int, float]:
        """Run `invoke failover` as an operator would, its words on our terminal; report, code, seconds."""
        command = [sys.executable, "-m", "invoke", "failover", "--json", "--site", str(self.lab.site_file)]
        start = time.monotonic()
        with subprocess.Popen([*command, *argv], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            lines: list[str] = []
            for line in process.stdout or ():
                lines.append(line)
                if not line.startswith("{"):
                    self._console.print(f"    | {line.rstrip()}", markup=False, soft_wrap=True)
            code = process.wait(timeout=FAILOVER_SECONDS)
        seconds = time.monotonic() - start
        try:
            return json.loads(lines[-1]), code, seconds
        except (IndexError, json.JSONDecodeError) as error:
            raise HardwareError(f"`{' '.join(command[2:])}` gave no report (exit code {code})") from error

    def _prove(self, report: dict[str, Any]) -> None:
        """Everything that was promised, looked at without the operator's side."""
        self.lab.trust(SUCCESSOR)
        self._witness.await_records(5)
        self._check_client()
        self._witness.stop()
        if self._choices.lose is not None:
            self._witness.lose(ADDRESSES[SUCCESSOR], self._choices.lose)
        self._check_records(self._witness.read(ADDRESSES[SUCCESSOR]))
        self._check_server()
        self._check_again(report)

    def _check_client(self) -> None:
        text = self.lab.on(CLIENT, "cat", "/mnt/nfs/a/test.txt")
        self._require(text == "This is a test file.\n", f"test.txt reads {text!r} on {CLIENT}")
        source = self.lab.on(CLIENT, "findmnt", "-n", "-o", "SOURCE", "/mnt/nfs/a").strip()
        self._require(source == f"{SUCCESSOR}:/mnt/a", f"/mnt/nfs/a on {CLIENT} is {source or 'not mounted'}")
        probe = "echo probe > /mnt/nfs/a/probe && sync -f /mnt/nfs/a/probe && cat /mnt/nfs/a/probe"
        read = self.lab.on(CLIENT, "sh", "-c", probe)
        self._require(read == "probe\n", f"{CLIENT} wrote and read back {read!r}")

    def _check_records(self, record: Record) -> None:
        self.story.records_acknowledged = len(record.acknowledged)
        lost = record.lost
        self.story.records_lost = len(lost)
        self.story.outage_seconds = record.outage_seconds
        self._require(not lost, f"{len(lost)} acknowledged records are not in the file, first {lost[:3]}")
        self._require(record.in_order_once, "the records in the file are not in order, each once")

    def _check_server(self) -> None:
        mark = self.lab.on(SUCCESSOR, "cat", IMAGE_MARK)
        self._require(mark.strip() == SERVER, f"{SUCCESSOR} does not run the image of {SERVER}: {mark!r}")
        enabled = self.lab.on(SUCCESSOR, "sh", "-c", "systemctl is-enabled nfs-server || true").strip()
        self._require(enabled == "enabled", f"nfs-server is {enabled} on {SUCCESSOR}")

    def _check_again(self, report: dict[str, Any]) -> None:
        self.story.second_plan_changes = self.lab.terraform.pending_changes()
        self._require(self.story.second_plan_changes == 0, "a second Terraform plan is not empty")
        self._require(report["second_plan_changes"] == 0, "the failover's own second plan was not empty")
        again, code, _ = self._invoke("--active", SUCCESSOR, "--yes")
        settled = code == 0 and again["outcome"] == "nothing-to-do"
        self._require(settled, f"the same failover again: {again['outcome']}: {again['reason']}")

    def _require(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.story.missing.append(otherwise)

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


def show(story: Story, console: Console) -> None:
    """The timeline, the outage, and how it ended."""
    longest = max((s for _, s in story.phases), default=0) or 1.0
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for name, seconds in story.phases:
        table.add_row(name, f"{seconds:.1f}", "█" * max(1, round(_BAR * seconds / longest)))
    console.print(table)
    if story.outage_seconds is not None:
        console.print(f"outage as the client saw it: {story.outage_seconds:.1f} s")
        console.print(
            f"records acknowledged: {story.records_acknowledged}, lost: {story.records_lost}; "
            f"second plan: {story.second_plan_changes} changes"
        )
    for line in story.missing:
        console.print(f"MISSING: {line}", markup=False, soft_wrap=True)
    console.print(f"drill {story.outcome}")


def main(run: Path, choices: Choices, as_json: bool) -> int:
    """Tell the story on the terminal (and as JSON on the last line); 0 only if it really worked."""
    console = Console(soft_wrap=True, highlight=False)
    story = Drill(run, choices, console).tell()
    show(story, console)
    if as_json:
        sys.stdout.write(json.dumps(story.document()) + "\n")
    sys.stdout.flush()
    return 1 if story.missing else 0
