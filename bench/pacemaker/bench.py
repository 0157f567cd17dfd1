"""`./inv bench --what pacemaker`: a takeover beside a Pacemaker pair and beside bare shell commands.

Each way has a lab of its own from the same snapshot, one after the other: nfs-srv-1 loses its power and
nfs-srv-2 takes over, then nfs-srv-1 comes back, and the same the other way round.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from oci.exceptions import ServiceError
from rich.console import Console
from rich.table import Table

from bench.pacemaker import by_hand, pair, product
from bench.pacemaker.moments import Takeover, medians, ratio
from lab.client.api_process import CloudError
from lab.site.lab import Lab
from lab.site.nfs_site import SERVER, SUCCESSOR
from lab.system.errors import HardwareError

FAULTS = (HardwareError, CloudError, ServiceError)
OF_PAIR, OF_BARE = 0.3, 1.2  # what is wanted, of the seconds from the fence to the first served call


class Way(Protocol):
    """One way of taking the service over. All raise HardwareError or CloudError."""

    name: str

    def up(self) -> None:
        """Have the service on nfs-srv-1, at the service's address, and nfs-srv-2 ready."""

    def move(self, target: str) -> Takeover:
        """Cut the power of the server that serves, and have the target serve."""

    def ready(self, server: str) -> None:
        """Have the server that was cut off ready again."""

    def down(self) -> None:
        """Leave nothing."""


WAYS: Mapping[str, Callable[[Lab, Console], Way]] = {
    "shell": by_hand.BareWay,
    "pacemaker": pair.PairWay,
    "product": product.ProductWay,
}


def main(ways: str = "shell,pacemaker,product", moves: int = 2) -> int:
    """Print the tables, and all figures as JSON on the last line.

    0 when what is wanted was reached; 1 when it was not, or a way did not come to its end; 2 for an unknown
    way.
    """
    console = Console(width=120)
    names = ways.split(",")
    if unknown := sorted(set(names) - set(WAYS)):
        console.print(f"usage: --ways {','.join(unknown)}: expected any of {', '.join(WAYS)}", markup=False)
        return 2
    takeovers: list[Takeover] = []
    missing: list[str] = []
    for name in names:
        try:
            _measure(name, moves, console, takeovers)
        except FAULTS as error:
            missing.append(f"{name}: {error}")
    ratios = show(takeovers, console)
    for line in missing:
        console.print(f"MISSING: {line}", markup=False)
    document = {"takeovers": [one.document() for one in takeovers], "ratios": ratios, "missing": missing}
    sys.stdout.write(json.dumps(document) + "\n")
    reached = _within(ratios["pacemaker"], OF_PAIR) and _within(ratios["shell"], OF_BARE)
    return int(bool(missing) or not reached)


def show(takeovers: Sequence[Takeover], console: Console) -> dict[str, float | None]:
    """The tables; the ratios of our seconds after the fence, by the other way's name."""
    table = Table("way", "to", "fence to first call s", "of it guest's CPU s", "first action to first call s")
    for title in ("cut to first call s", "writer with a lock stood s", "went on after first call s", "load"):
        table.add_column(title)
    for one in takeovers:
        figures = (one.after_fence, one.cpu, one.on_target, one.after_cut, one.stall, one.after_service)
        cells = ["-" if x is None else f"{x:.1f}" for x in (*figures, one.load)]
        table.add_row(one.way, one.target, *cells)
    console.print(table)
    ours, cluster, shell = (medians(takeovers, name) for name in (product.NAME, pair.NAME, by_hand.NAME))
    ratios = {
        "pacemaker": ratio(ours, cluster, "after_fence"),
        "shell": ratio(ours, shell, "after_fence"),
        "shell_on_target": ratio(ours, shell, "on_target"),
        "pacemaker_cpu": ratio(ours, cluster, "cpu"),
        "shell_cpu": ratio(ours, shell, "cpu"),
    }
    for name, value in ratios.items():
        if value is not None:
            wanted = OF_PAIR if name.startswith("pacemaker") else OF_BARE
            console.print(f"this / {name} (medians): {value:.2f}, wanted {wanted}", markup=False)
    return ratios


def _measure(name: str, moves: int, console: Console, takeovers: list[Takeover]) -> None:
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        way = WAYS[name](lab, console)
        try:
            way.up()
            for number in range(moves):
                target = SUCCESSOR if number % 2 == 0 else SERVER
                if number:
                    way.ready(target)
                takeover = way.move(target)
                takeovers.append(takeover)
                console.print(f"  {json.dumps(takeover.document())}", markup=False, soft_wrap=True)
        except FAULTS:
            with suppress(OSError):
                _keep(lab, name)
            raise
        finally:
            way.down()


def _keep(lab: Lab, name: str) -> None:
    """The evidence outlives the folder of this run."""
    kept = lab.keep_evidence()
    kept.rename(Path(tempfile.mkdtemp(prefix=f"nfsfo-bench-{name}-")) / kept.name)


def _within(value: float | None, limit: float) -> bool:
    """What was not measured stands in nobody's way."""
    return value is None or value <= limit
