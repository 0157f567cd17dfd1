"""The product's way: the site's own `failover`, with the service's address and locks kept."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from bench.pacemaker.moments import Takeover, of_journal
from bench.pacemaker.site import SERVICE_SECONDS, LockedWriter, MeasuredSite, load, other
from lab.drill.lock_moves import keep_locks, leave_names
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import SUCCESSOR
from lab.system.errors import HardwareError

NAME = "this"


class ProductWay:
    """As an operator moves the service after a server's death."""

    name = NAME

    def __init__(self, lab: Lab, console: Console) -> None:
        self._site = MeasuredSite(lab)
        self._operator = Operator(
            lab.site_file, console, lambda text: console.print(f"  {text}", markup=False)
        )
        self._writer = LockedWriter(self._site)

    def up(self) -> None:
        """The site with its service address; its client mounts by it."""
        self._site.up()
        keep_locks(self._site.lab, self._operator)
        leave_names(self._site.lab, self._operator)
        self._stand_by(SUCCESSOR)
        self._site.watch()
        self._writer.mount()

    def move(self, target: str) -> Takeover:
        """Cut the serving server's power and fail over."""
        server = other(target)
        self._writer.start()
        cut = self._site.cut(server)
        report, code = self._operator.report("failover", "--active", target, "--yes")
        if code:
            raise HardwareError(f"the failover to {target} ended with {code}: {report.get('reason')}")
        fenced, began, parts = of_journal(_events(self._site.lab.run / "runs" / report["run"]))
        assert self._site.probe is not None  # noqa: S101 - `up` has made it
        served = self._site.probe.await_answer(cut, fenced, SERVICE_SECONDS)
        busy = load()
        still, resumed = self._writer.stop(cut)
        used = self._site.used(fenced, served)
        return Takeover(self.name, target, cut, fenced, began, served, used, busy, still, resumed, parts)

    def ready(self, server: str) -> None:
        """The fenced server stands by."""
        self._site.power_on(server)
        self._stand_by(server)

    def _stand_by(self, server: str) -> None:
        """As docs/before.md has it: the standby's verb, then the nightly preflight."""
        for verb, argv in (("standby.up", [server]), ("preflight", ["--active", server])):
            lines, code = self._operator.run(verb, *argv)
            if code:
                raise HardwareError(f"{verb} {server} ended with {code}: {lines[-5:]}")

    def down(self) -> None:
        """Leave nothing."""
        self._site.down()


def _events(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
