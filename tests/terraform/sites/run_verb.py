"""`./inv` of a checkout under test: this tree's tasks in the caller's folder, on answering hosts.

The hosts' model is named by $HOSTS_FOLDER and $HOSTS_DATABASE; nothing else is replaced.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from invoke.main import program

from failover.hosts import hook_runner
from tests.paths import ROOT
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel

if __name__ == "__main__":
    model = HostsModel(Path(os.environ["HOSTS_FOLDER"]), Path(os.environ["HOSTS_DATABASE"]))
    hook_runner.SshHost = functools.partial(AnsweringHost, model)  # type: ignore[misc,assignment]
    program.run(["invoke", "--search-root", str(ROOT), *sys.argv[1:]])
