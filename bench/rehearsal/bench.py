"""`./inv bench --what rehearse`: what a rehearsal adds to the latency of a client's write and fsync.

One lab: nfs-srv-1 serves, nfs-cli writes 4 KiB with an fsync, at most five times a second. It writes for a
while alone, then beside a program that keeps the other processor busy and does nothing else, then beside a
rehearsal, then alone again. What a rehearsal adds is its median against the one of all that was written
alone; what the busy program adds is this machine's own share of that. On OCI the servers are machines of
their own: here they have one processor of the two to themselves, together with the volumes (cores.py), but on
the way `together`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.rehearsal.cores import Cores
from bench.rehearsal.latencies import Latency, Span, Write, added, parsed, spans, within
from failover.runs import journal
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR
from lab.system.errors import HardwareError
from lab.system.waiting import until

PROMISED = 0.05  # of the median
ROUNDS = 2
ALONE_SECONDS = 45.0
WAYS = ("throw-away", "together", "standby")
_PROGRAM = Path(__file__).with_name("fsync_writer.py")
_NOTES = "/var/lib/drill/latencies"
_COMPLAINTS = "I/O error|not responding|Shutting down filesystem|connection.*error"


@dataclass(frozen=True)
class Round:
    """One rehearsal. way: of WAYS. alone: the spans before and after it. neighbour: beside the busy program.
    beside: from the rehearsal's command to its end. steps: of its journal."""

    way: str
    alone: tuple[Span, Span]
    neighbour: Span
    beside: Span
    steps: dict[str, Span]


def main(ways: str = ",".join(WAYS), rounds: int = ROUNDS) -> int:
    """Print the tables; 0 when no median grew by more than PROMISED, on the way `together` aside."""
    chosen = [way for way in WAYS if way in ways.split(",")]
    if len(chosen) != len(ways.split(",")):
        print(f"--ways {ways}: expected some of {','.join(WAYS)}", file=sys.stderr)
        return 2
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        try:
            lab.up()
            bench = _Bench(lab, console)
            measured = bench.measure(chosen, rounds)
            writes = bench.stop()
            complaints = bench.complaints()
        finally:
            lab.down()
    within_promise = _show(console, measured, writes)
    console.print(f"kernels' complaints of nfs-srv-1 and nfs-cli: {complaints or 'none'}", markup=False)
    return int(not within_promise or bool(complaints) or any(w.error for w in writes))


class _Bench:
    """Raises HardwareError for a verb that fails, and for a client that does not write."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self._lab = lab
        self._console = console
        self._operator = Operator(lab.site_file, console, lambda text: console.print(f"  {text}"))
        self._cores = Cores(lab)
        self._ahead = 0.0

    def measure(self, ways: list[str], rounds: int) -> list[Round]:
        """Every round, in the order in which they were made. Together there is one."""
        self._verb("preflight", "--no-terraform-plan")
        self._write()
        measured = []
        for way in ways:
            if way == "standby":
                self._cores.together()
                lines, code = self._operator.run("standby.up", SUCCESSOR)
                if code:
                    raise HardwareError(f"standby.up ended with {code}: {lines}")
            measured += [self._round(way) for _ in range(1 if way == "together" else rounds)]
        return measured

    def stop(self) -> list[Write]:
        """End the writer; all of its writes, by our clock."""
        self._root(CLIENT, "systemctl stop fsync-writer")
        return parsed(self._lab.on(CLIENT, "cat", _NOTES), self._ahead)

    def complaints(self) -> str:
        """What the kernels say of I/O that failed, and of servers that do not answer."""
        script = f"dmesg | grep -E '{_COMPLAINTS}' || true"
        return "; ".join(text for host in (SERVER, CLIENT) if (text := self._root(host, script).strip()))

    def _write(self) -> None:
        """The bench's writer in the place of the drill's, which would be in its way."""
        self._lab.access.put(ADDRESSES[CLIENT], {_PROGRAM.name: _PROGRAM.read_text()})
        program = f"/usr/local/lib/drill/{_PROGRAM.name}"
        file = "$(findmnt -nt nfs4,nfs -o TARGET | head -n 1)/latencies"
        run = f"systemd-run -q --uid={self._lab.access.user} --unit=fsync-writer python3 {program}"
        self._root(
            CLIENT,
            f"systemctl stop drill-writer; install -m 0755 {_PROGRAM.name} {program}; {run} {file} {_NOTES}",
        )
        if not until(lambda: len(self._notes()) > 10, 60, 1.0):
            raise HardwareError(f"the writer noted {len(self._notes())} writes")
        before = time.time()
        answer = float(self._lab.on(CLIENT, "date", "+%s.%N"))
        self._ahead = answer - (before + time.time()) / 2  # exact to half of what the question takes

    def _notes(self) -> list[str]:
        return self._lab.on(CLIENT, "sh", "-c", f"cat {_NOTES} 2> /dev/null || true").splitlines()

    def _round(self, way: str) -> Round:
        (self._cores.together if way == "together" else self._cores.separate)()
        before = _passed()
        neighbour = _beside_a_busy_program()
        argv = ("--standby", SUCCESSOR) if way == "standby" else ()
        began = time.time()
        report = self._verb("rehearse", "--yes", *argv)
        beside = (began, time.time())
        after = _passed()
        steps = journal.read(self._lab.run / "runs/rehearsals" / report["run"])
        return Round(way, (before, after), neighbour, beside, spans(steps))

    def _verb(self, verb: str, *argv: str) -> dict[str, Any]:
        report, code = self._operator.report(verb, *argv)
        if code:
            raise HardwareError(f"{verb} ended with {code}: {report}")
        return report

    def _root(self, host: str, script: str) -> str:
        return self._lab.on(host, "sudo", "bash", "-c", script)


def _passed() -> Span:
    began = time.time()
    time.sleep(ALONE_SECONDS)
    return began, time.time()


def _beside_a_busy_program() -> Span:
    """It has the processors that this process has (cores.py), and touches nothing of the lab."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            return _passed()
        finally:
            busy.kill()


def _show(console: Console, measured: list[Round], writes: list[Write]) -> bool:
    """Whether what was promised was held."""
    table = Table("rehearsal", "4 KiB and fsync", "writes", "median, ms", "95 % below, ms", "added", "failed")
    held = True
    for way in dict.fromkeys(one.way for one in measured):
        rounds = [one for one in measured if one.way == way]
        alone = _of_spans(writes, [span for one in rounds for span in one.alone])
        beside = _of_spans(writes, [one.beside for one in rounds])
        held = held and (added(alone, beside) <= PROMISED or way == "together")
        table.add_row(way, "alone", *_cells(alone))
        table.add_row("", "a busy program", *_cells(_of_spans(writes, [r.neighbour for r in rounds]), alone))
        table.add_row("", "a rehearsal", *_cells(beside, alone))
    console.print(table)
    each = Table("each", *(one.way for one in measured))
    for name, of in (("alone", _alone), ("a busy program", _neighbour), ("a rehearsal", _beside)):
        each.add_row(name, *(f"{_of_spans(writes, of(one)).median * 1000:.1f}" for one in measured))
    for step in dict.fromkeys(name for one in measured for name in one.steps):
        each.add_row(step, *(_of_step(writes, one.steps.get(step)) for one in measured))
    console.print(each)
    return held


def _alone(one: Round) -> list[Span]:
    return list(one.alone)


def _neighbour(one: Round) -> list[Span]:
    return [one.neighbour]


def _beside(one: Round) -> list[Span]:
    return [one.beside]


def _of_spans(writes: list[Write], of: list[Span]) -> Latency:
    return Latency.of([w for span in of for w in within(writes, span)])


def _cells(latency: Latency, alone: Latency | None = None) -> tuple[str, ...]:
    share = f"{added(alone, latency):+.1%}" if alone else ""
    median, high = f"{latency.median * 1000:.1f}", f"{latency.high * 1000:.1f}"
    return str(latency.count), median, high, share, str(latency.errors)


def _of_step(writes: list[Write], span: Span | None) -> str:
    """Its seconds, and the median latency beside it in ms."""
    beside = within(writes, span) if span else []
    if span is None or not any(w.seconds is not None for w in beside):
        return "-"
    return f"{span[1] - span[0]:.1f} s: {Latency.of(beside).median * 1000:.1f}"


if __name__ == "__main__":
    sys.exit(main())
