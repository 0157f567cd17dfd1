"""Measures a failover of an adopted, hand-built site against one of the lab's own, in turn in one run.

Both servers are brought into order by the same `failover --active nfs-srv-1` first, so that the hooks lie on
every host, compiled. Then nfs-srv-1 loses its power, and nfs-srv-2, which stands by, takes over.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.drill.operator import Operator
from lab.drill.writer_record import Witness
from lab.hardware.guests import Guest
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR
from lab.site.shapes.known import SHAPES
from lab.system.errors import HardwareError

OWN, BY_HAND = "lab", "tip"
PROMISED = 1.05
# of all logins' processes on a guest, in microseconds (cgroup-v2); without sessions of PAM they are sshd's
_USED = "cat /sys/fs/cgroup/user.slice/cpu.stat /sys/fs/cgroup/system.slice/ssh.service/cpu.stat 2> /dev/null"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class MeasuredFailover:
    """One failover. Wall seconds: `seconds` from Enter to its verified end, `outage` as the writer saw it.

    Processor seconds: `hooks` of what was logged in on nfs-srv-2 and on the client, as those guests count
    them; `guests` of both machines, as this machine counts them. `load`: its load average at the end.
    """

    site: str
    seconds: float
    outage: float
    hooks: float
    guests: float
    load: float


def main(rounds: int = 2) -> int:
    """Print the table, and the figures as JSON on the last line.

    0 when the means of wall seconds, and of the hooks' processor seconds, are at most PROMISED of the own.
    """
    console = Console(width=120)
    rows = []
    for _ in range(max(rounds, 1)):
        for site in (OWN, BY_HAND):
            rows.append(_failover(site, console))
            console.print(f"  {rows[-1]}", markup=False, soft_wrap=True)
    table = Table("site", "failover s", "outage s", "hooks' CPU s", "guests' CPU s", "load")
    for row in rows:
        figures = (row.seconds, row.outage, row.hooks, row.guests, row.load)
        table.add_row(row.site, *(f"{one:.1f}" for one in figures))
    wall, processor = ratio(rows, "seconds"), ratio(rows, "hooks")
    outage, guests = ratio(rows, "outage"), ratio(rows, "guests")
    table.add_row(f"{BY_HAND} / {OWN}", *(f"x {one:.3f}" for one in (wall, outage, processor, guests)), "")
    console.print(table)
    sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
    return int(max(wall, processor) > PROMISED)


def ratio(rows: Sequence[MeasuredFailover], figure: str) -> float:
    """The mean of this figure of the site built by hand, against that of the lab's own."""
    by_hand, own = (
        statistics.mean(getattr(row, figure) for row in rows if row.site == site) for site in (BY_HAND, OWN)
    )
    return float(by_hand / own)


def _failover(site: str, console: Console) -> MeasuredFailover:
    """One lab from nothing to nothing. Raises HardwareError when a failover does not end well."""
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(
            Path(folder) / "lab", lambda text: console.print(f"  {site}: {text}", markup=False), SHAPES[site]
        )
        try:
            lab.up(standby=True)
            return _measured(site, lab, console)
        finally:
            lab.down()


def _measured(site: str, lab: Lab, console: Console) -> MeasuredFailover:
    operator = Operator(lab.site_file, console, lambda text: console.print(f"  {site}: {text}", markup=False))
    witness = Witness(lab.access, lab.shape.path)
    _move(operator, SERVER)
    witness.await_records(10)
    hooks, guests = _hooks_seconds(lab), _guests_seconds(lab)
    lab.crash(SERVER)
    began = time.monotonic()
    _move(operator, SUCCESSOR)
    seconds = time.monotonic() - began
    guests, hooks = _guests_seconds(lab) - guests, _hooks_seconds(lab) - hooks
    load = os.getloadavg()[0]
    witness.await_records(5)
    witness.stop()
    record = witness.read(ADDRESSES[SUCCESSOR])
    if record.lost or not record.in_order_once:
        raise HardwareError(f"{site}: {len(record.lost)} acknowledged records are not in the file")
    return MeasuredFailover(site, seconds, record.outage_seconds, hooks, guests, load)


def _move(operator: Operator, target: str) -> None:
    report, code = operator.report("failover", "--active", target, "--yes")
    if code:
        raise HardwareError(f"the failover to {target} ended with {code}: {report.get('reason')}")


def _hooks_seconds(lab: Lab) -> float:
    """Since the boot, of both hosts."""
    texts = (lab.on(name, "sh", "-c", f"{_USED} || true") for name in (SUCCESSOR, CLIENT))
    lines = (line.split() for text in texts for line in text.splitlines())
    return sum(int(line[1]) for line in lines if line[0] == "usage_usec") / 1e6


def _guests_seconds(lab: Lab) -> float:
    """Since their start, of both machines: user and system (proc_pid_stat(5))."""
    pids = [Guest(lab.directory, lab.instance(name)).pid() for name in (SUCCESSOR, CLIENT)]
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS
