"""One run at a time per site: the second is told who holds it; a killed holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from failover.lock import site_lock
from failover.outcome import Refused

ROOT = Path(__file__).parents[3]
HOLD = "import sys,time,pathlib; from failover.lock import site_lock\n"
HOLD += "with site_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_the_second_run_is_refused_by_the_owners_name_until_the_owner_dies(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(Refused, match=f"process {owner.pid}"), site_lock(tmp_path):
            pass
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        with site_lock(tmp_path):
            pass
