"""Measures whole drills, the failover inside them, their memory, and how quick the quick verbs are."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.hardware.teardown import processes
from lab.system.paths import ROOT, RunDirectory

OWN, BUILT_BY_HAND = "nfs-srv-2 standing by", "standing by, a site built by hand (tip)"
DRILLS = {
    "nfs-srv-2 launched from the image": (),
    OWN: ("--standby",),
    BUILT_BY_HAND: ("--standby", "--site", "tip"),
    "standing by, clients rebooted": ("--standby", "--clients", "reboot"),
}
QUICK = {
    "./inv --list": ("--list",),
    "refusal: no site": ("failover", "--active", "nfs-srv-2", "--site", "/nonexistent/site.toml"),
}


def main() -> int:
    """Run everything once and print the tables; 1 when a drill failed."""
    console = Console(width=120)
    rows = [(name, *_drill(argv)) for name, argv in DRILLS.items()]
    table = Table("drill", "outcome", "whole s", "lab up s", "failover s", "outage s", "lost", "MiB")
    for name, story, seconds, memory in rows:
        phases = {p["name"]: p["seconds"] for p in story["phases"]}
        figures = (seconds, phases["lab up"], story["failover_seconds"], story["outage_seconds"])
        cells = [f"{x:.0f}" if x is not None else "-" for x in figures]
        table.add_row(name, story["outcome"], *cells, str(story["records_lost"]), str(memory))
    console.print(table)
    own, by_hand = (
        next(story["failover_seconds"] for name, story, _, _ in rows if name == which)
        for which in (OWN, BUILT_BY_HAND)
    )
    if own and by_hand:
        console.print(f"a failover of the site built by hand against the lab's own: x {by_hand / own:.2f}")
    quick = Table("command", "seconds (best of 3)")
    for name, argv in QUICK.items():
        quick.add_row(name, f"{min(_seconds(argv) for _ in range(3)):.2f}")
    console.print(quick)
    return int(any(story["outcome"] != "done" for _, story, _, _ in rows))


def _drill(argv: tuple[str, ...]) -> tuple[dict[str, Any], float, int]:
    """One drill in a directory of its own: its story, wall seconds, the lab's most memory in MiB."""
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        run = Path(folder) / "lab"
        meter = _Meter(run)
        start = time.monotonic()
        done = subprocess.run(
            [ROOT / "inv", "drill", "--json", "--run", str(run), *argv],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - start
        memory = meter.stop()
        sys.stdout.write(done.stdout)
        return json.loads(done.stdout.splitlines()[-1]), seconds, memory


def _seconds(argv: tuple[str, ...]) -> float:
    start = time.monotonic()
    subprocess.run([ROOT / "inv", *argv], capture_output=True, check=False)
    return time.monotonic() - start


class _Meter:
    """Samples the proportional set size of all the lab's processes once a second."""

    def __init__(self, run: Path) -> None:
        self._lab = RunDirectory.of(run)
        self._most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """End the sampling; the most that was seen, in MiB."""
        self._ended.set()
        self._thread.join()
        return self._most // 1024

    def _sample(self) -> None:
        while not self._ended.wait(1):
            self._most = max(self._most, sum(_proportional_kib(pid) for pid in processes(self._lab)))


def _proportional_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
