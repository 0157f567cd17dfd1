"""Images on answering hosts whose process dies at an event of its journal: a process that forks one for each.

`python -m tests.terraform.sites.killed_image SITE HOSTS_FOLDER DATABASE` reads lines "EVENT_NUMBER" or
"EVENT_NUMBER quiesce" and answers each with its child's status (os.waitstatus_to_exitcode).
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from failover import ports  # noqa: F401 - imported once, for all children
from failover.command.request import SiteChoice
from failover.hosts import hook_runner
from failover.image import take
from failover.image.plan import ImageRequest
from failover.verbs import image
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel
from tests.terraform.sites.killed_run import MortalJournal


def main(site: str, folder: str, database: str) -> int:
    model = HostsModel(Path(folder), Path(database))
    hook_runner.SshHost = functools.partial(AnsweringHost, model)  # type: ignore[misc,assignment]
    take.Journal = MortalJournal  # type: ignore[misc]
    for line in sys.stdin:
        number, *quiesce = line.split()
        child = os.fork()
        if not child:
            os.dup2(2, 1)  # the answers have standard output to themselves
            MortalJournal.last = int(number)
            request = ImageRequest(keep=1000, yes=True, quiesce=bool(quiesce))
            os._exit(image.main(request, SiteChoice(site)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
