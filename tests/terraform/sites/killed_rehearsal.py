"""Rehearsals on answering hosts that die at an event of their journal: a process that forks one for each.

`python -m tests.terraform.sites.killed_rehearsal SITE HOSTS_FOLDER DATABASE` reads lines "EVENT_NUMBER" or
"EVENT_NUMBER STANDBY" and answers each with its child's status (os.waitstatus_to_exitcode).
A child has its own process, and dies by SIGKILL; what takes seconds to import is imported once.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from failover import ports  # noqa: F401 - imported once, for all children
from failover.command import reported
from failover.command.request import SiteChoice
from failover.hosts import hook_runner
from failover.rehearse import rehearsal
from failover.verbs import rehearse
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel
from tests.terraform.sites.killed_run import MortalJournal


def main(site: str, folder: str, database: str) -> int:
    model = HostsModel(Path(folder), Path(database))
    hook_runner.SshHost = functools.partial(AnsweringHost, model)  # type: ignore[misc,assignment]
    rehearsal.Journal = MortalJournal  # type: ignore[misc]
    for line in sys.stdin:
        number, *standby = line.split()
        child = os.fork()
        if not child:
            _rehearse(site, int(number), *standby)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


def _rehearse(site: str, number: int, standby: str = "") -> None:
    os.dup2(2, 1)  # the answers have standard output to themselves
    MortalJournal.last = number
    wanted = rehearse.Wanted(standby=standby, yes=True)
    os._exit(reported.main(lambda console: rehearse.rehearse(SiteChoice(site), console, wanted), True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
