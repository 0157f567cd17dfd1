"""`standby.up` and `standby.down` on answering hosts that die at an effect: a process that forks each.

`python -m tests.terraform.sites.killed_standby SITE HOSTS_FOLDER DATABASE` reads lines "ACTION SERVER EFFECT"
and answers each with its child's status (os.waitstatus_to_exitcode). Effects are whatever goes out: a
Terraform command that is under way, one that has ended, a host's command, a change that the API has accepted.
A child dies by SIGKILL at the first one whose name has EFFECT in it; a Terraform that it began goes on alone.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from failover import ports  # noqa: F401 - imported once, for all children
from failover.cloud.compute import Cloud
from failover.command.request import SiteChoice
from failover.hosts import hook_runner
from failover.stack.terraform_process import Command
from failover.verbs import standby
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel


class _Mortal:
    """Dies at the first effect whose name has these words in it."""

    def __init__(self, words: str) -> None:
        self._words = words

    def at(self, owner: Any, method: str, name: Callable[..., str], before: bool = False) -> None:
        """The method is an effect of this name, when it has returned or `before` it begins."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def watched(*arguments: Any, **options: Any) -> Any:
            result = None if before else original(*arguments, **options)
            if self._words in name(*arguments):
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options) if before else result

        setattr(owner, method, watched)


def main(site: str, folder: str, database: str) -> int:
    model = HostsModel(Path(folder), Path(database))
    hook_runner.SshHost = functools.partial(AnsweringHost, model)  # type: ignore[misc,assignment]
    for line in sys.stdin:
        action, server, effect = line.strip().split(maxsplit=2)
        child = os.fork()
        if not child:
            _act(site, action, server, effect)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


def _act(site: str, action: str, server: str, effect: str) -> None:
    os.dup2(2, 1)  # the answers have standard output to themselves
    mortal = _Mortal(effect)
    mortal.at(Command, "_finish", lambda _self, _process, cmd: f"terraform {cmd} under way", before=True)
    mortal.at(Command, "cmd", lambda _self, cmd, *_: f"terraform {cmd} ended")
    mortal.at(AnsweringHost, "run", lambda _self, argv, *_: f"a host's {' '.join(argv)}")
    mortal.at(Cloud, "terminate", lambda *_: "the API's terminate")
    os._exit(standby.main(action, server, SiteChoice(site), yes=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
