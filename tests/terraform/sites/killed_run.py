"""One `failover` as a process of its own, on answering hosts; it can kill itself at an event of its journal.

`python -m tests.terraform.sites.killed_run SITE HOSTS_FOLDER DATABASE TARGET [EVENT_NUMBER]`. With a number
the process ends by SIGKILL as soon as that event is on disk. The last line of stdout is the report as JSON.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from failover.command import reported, streams
from failover.command.request import Request, SiteChoice
from failover.flow import flow
from failover.hosts import hook_runner
from failover.runs.events import Event
from failover.runs.journal import Journal
from failover.verbs import failover
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel


class MortalJournal(Journal):
    """Kills its process at event `last`, counted from 1."""

    last = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._written = 0

    def write_all(self, events: Iterable[tuple[Event, Mapping[str, Any]]]) -> None:
        """One by one: a process may die between two lines of one batch."""
        for event in events:
            super().write_all([event])
            self._written += 1
            if self._written == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


def main(site: str, folder: str, database: str, target: str, last: str = "0") -> int:
    streams.install()  # as tasks.py does
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background job it is ignored
    model = HostsModel(Path(folder), Path(database))
    hook_runner.SshHost = functools.partial(AnsweringHost, model)  # type: ignore[misc,assignment]
    MortalJournal.last = int(last)
    flow.Journal = MortalJournal  # type: ignore[misc]
    return reported.main(
        lambda console: failover.fail_over(Request(target, SiteChoice(site), yes=True), console),
        True,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
