"""`./inv bench --what rehearse`: what a rehearsal adds to the latency of a client's write and fsync.

One lab: nfs-srv-1 serves, nfs-cli writes 4 KiB with an fsync, at most five times a second. It writes for a
while alone, then beside a rehearsal, then alone again, and so on: what a rehearsal adds is its median against
the one of all that was written alone. On OCI the servers are machines of their own: here they have one
processor of the two to themselves, together with the volumes (cores.py). One rehearsal goes without that.
"""

from __future__ import annotations

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
ALONE_SECONDS = 60.0
_PROGRAM = Path(__file__).with_name("fsync_writer.py")
_NOTES = "/var/lib/drill/latencies"
_THROW_AWAY, _STANDBY = "throw-away server", "--standby"
_COMPLAINTS = "I/O error|not responding|Shutting down filesystem|connection.*error"


@dataclass(frozen=True)
class Round:
    """One rehearsal. way: on which server. separate: the serving side had a processor of its own.

    alone: the spans before and after it. busy: from its command's start to its end. steps: of its journal."""

    way: str
    separate: bool
    alone: tuple[Span, Span]
    busy: Span
    steps: dict[str, Span]


def main(rounds: int = ROUNDS) -> int:
    """Print the tables; 0 when no median grew by more than PROMISED where the serving side is apart."""
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        try:
            lab.up()
            bench = _Bench(lab, console)
            measured = bench.measure(rounds)
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

    def measure(self, rounds: int) -> list[Round]:
        """Every round, in the order in which they were made."""
        self._verb("preflight", "--no-terraform-plan")
        self._write()
        measured = [self._round(_THROW_AWAY, separate=True) for _ in range(rounds)]
        measured.append(self._round(_THROW_AWAY, separate=False))
        self._cores.together()
        lines, code = self._operator.run("standby.up", SUCCESSOR)
        if code:
            raise HardwareError(f"standby.up ended with {code}: {lines}")
        return measured + [self._round(_STANDBY, separate=True) for _ in range(rounds)]

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

    def _round(self, way: str, *, separate: bool) -> Round:
        (self._cores.separate if separate else self._cores.together)()
        before = _alone()
        argv = ("--standby", SUCCESSOR) if way == _STANDBY else ()
        began = time.time()
        report = self._verb("rehearse", "--yes", *argv)
        busy = (began, time.time())
        after = _alone()
        steps = journal.read(self._lab.run / "runs/rehearsals" / report["run"])
        return Round(way, separate, (before, after), busy, spans(steps))

    def _verb(self, verb: str, *argv: str) -> dict[str, Any]:
        report, code = self._operator.report(verb, *argv)
        if code:
            raise HardwareError(f"{verb} ended with {code}: {report}")
        return report

    def _root(self, host: str, script: str) -> str:
        return self._lab.on(host, "sudo", "bash", "-c", script)


def _alone() -> Span:
    began = time.time()
    time.sleep(ALONE_SECONDS)
    return began, time.time()


def _show(console: Console, measured: list[Round], writes: list[Write]) -> bool:
    """Whether what was promised was held."""
    table = Table(
        "rehearsal on", "the serving side", "writes", "median, ms", "95 % below, ms", "added", "failed"
    )
    held = True
    for way, separate in dict.fromkeys((one.way, one.separate) for one in measured):
        rounds = [one for one in measured if (one.way, one.separate) == (way, separate)]
        alone = Latency.of([w for one in rounds for span in one.alone for w in within(writes, span)])
        busy = Latency.of([w for one in rounds for w in within(writes, one.busy)])
        share = added(alone, busy)
        held = held and (share <= PROMISED or not separate)
        where = "on a processor of its own" if separate else "on both processors"
        table.add_row(way, where, *_cells(alone, "alone"), "", str(alone.errors))
        table.add_row("", "", *_cells(busy, "beside"), f"{share:+.1%}", str(busy.errors))
    console.print(table)
    steps = Table("step", *(f"{one.way}{'' if one.separate else ', together'}" for one in measured))
    for step in dict.fromkeys(name for one in measured for name in one.steps):
        steps.add_row(step, *(_of_step(writes, one.steps.get(step)) for one in measured))
    console.print(steps)
    return held


def _cells(latency: Latency, when: str) -> tuple[str, str, str]:
    return f"{latency.count} {when}", f"{latency.median * 1000:.1f}", f"{latency.high * 1000:.1f}"


def _of_step(writes: list[Write], span: Span | None) -> str:
    """Its seconds, and the median latency beside it in ms."""
    beside = within(writes, span) if span else []
    if span is None or not any(w.seconds is not None for w in beside):
        return "-"
    return f"{span[1] - span[0]:.1f} s: {Latency.of(beside).median * 1000:.1f}"


if __name__ == "__main__":
    sys.exit(main())
