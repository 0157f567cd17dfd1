"""Measures the outage that `image --quiesce` makes, against the same commands by hand, on the same guest.

The client's writer says how long it waited. Both images are taken by the same call of the lab's API, which
takes no time of its own here: the server is captured when the image is AVAILABLE. By hand is somebody who
makes no pause, checks nothing, knows every value, and has no net below: when that is cut off, the service
stays away.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from oci.core.models import CreateImageDetails
from rich.console import Console
from rich.table import Table

from failover.runs.history import Kind
from lab.client.wait import wait_for_state
from lab.drill.operator import Operator
from lab.drill.writer_record import ACKNOWLEDGED, Record, Witness, parse_notes
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER
from lab.system.errors import HardwareError

ROUNDS = 3
PROMISED = 1.1
_ADDRESS = ADDRESSES[SERVER]
_STOP = Path(__file__).with_name("quiesce_by_hand.sh")
_START = Path(__file__).with_name("by_hand.sh")
_SECONDS = 300.0


def main() -> int:
    """Print the table; 0 when the verb's outage is at most PROMISED of the one by hand (medians)."""
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        try:
            lab.up()
            verb, by_hand = _Bench(lab, console).measure()
        finally:
            lab.down()
    table = Table("outage of one client's writer", "seconds", f"median of {ROUNDS}")
    for name, rounds in (("by hand", by_hand), ("image --quiesce", verb)):
        listed = ", ".join(f"{one:.1f}" for one in rounds)
        table.add_row(name, listed, f"{statistics.median(rounds):.1f}")
    ratio = statistics.median(verb) / statistics.median(by_hand)
    table.add_row(f"ratio (promised: {PROMISED})", "", f"{ratio:.2f}")
    console.print(table)
    return int(ratio > PROMISED)


class _Bench:
    """nfs-srv-1 of a lab, serving; a writer on nfs-cli."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self._lab = lab
        self._console = console
        self._witness = Witness(lab.access, lab.shape.path)
        self._operator = Operator(lab.site_file, console, lambda text: console.print(f"  {text}"))
        self._compute = lab.api.compute_client()

    def measure(self) -> tuple[list[float], list[float]]:
        """Seconds of each round: of the verb, and by hand."""
        verb, by_hand = [], []
        for _ in range(ROUNDS):  # in turn, so that a slow minute of the machine slows both
            verb.append(self._round("image --quiesce", self._by_verb))
            by_hand.append(self._round("by hand", self._by_hand))
        return verb, by_hand

    def _round(self, name: str, image: Callable[[], None]) -> float:
        self._witness.await_records(5)
        began = len(self._acknowledged())
        image()
        self._witness.await_records(5)
        seconds = Record(self._acknowledged(), (), began - 1).outage_seconds
        self._console.print(f"  {name}: {seconds:.1f} s", markup=False)
        return seconds

    def _acknowledged(self) -> tuple[tuple[int, float], ...]:
        return parse_notes(self._lab.on(CLIENT, "cat", ACKNOWLEDGED))

    def _by_verb(self) -> None:
        self._forget_images()
        lines, code = self._operator.run("image", "--quiesce", "--yes")
        if code:
            raise HardwareError(f"image --quiesce ended with {code}: {lines}")

    def _forget_images(self) -> None:
        """OCI takes no second image within 20 minutes; this lab does. The verb goes by its own history."""
        file = self._lab.site_file.parent / "runs" / "history.jsonl"
        if file.exists():
            entries = file.read_text().splitlines(keepends=True)
            file.write_text("".join(one for one in entries if json.loads(one)["kind"] != Kind.IMAGE))

    def _by_hand(self) -> None:
        words = [f"{a.iqn}={a.ipv4}:{a.port}" for many in self._lab.attachments().values() for a in many]
        details = CreateImageDetails(
            compartment_id=self._lab.api.facts()["compartment_id"],
            instance_id=self._lab.instance(SERVER),
            display_name=f"by-hand-{time.time():.0f}",
        )
        self._script(_STOP)
        image_id = self._compute.create_image(details).data.id
        wait_for_state(self._compute, self._compute.get_image, image_id, "AVAILABLE")
        self._script(_START, *words)

    def _script(self, path: Path, *words: str) -> None:
        argv = ["sudo", "bash", "-s", "--", *words]
        self._lab.access.run(_ADDRESS, argv, stdin=path.read_text(), deadline_seconds=_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
