"""One run at a time per site: the second is told who holds it; a killed holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from failover.model.outcome import Refused
from failover.runs.site_lock import site_lock
from tests.paths import ROOT

HOLD = "import sys,time,pathlib; from failover.runs.site_lock import site_lock\n"
HOLD += "with site_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_the_second_run_is_refused_by_the_owners_name_until_the_owner_dies(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(Refused, match=f"process {owner.pid}"), site_lock(tmp_path):
            pass
        with site_lock(tmp_path, take_over=True) as lock:
            lock.assert_held()
            with pytest.raises(Refused, match=f"process {os.getpid()}"), site_lock(tmp_path):
                pass
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        with site_lock(tmp_path):
            pass


def test_a_run_that_was_pushed_aside_is_told_before_its_next_step(tmp_path):
    with site_lock(tmp_path) as stuck, site_lock(tmp_path, take_over=True) as ours:
        ours.assert_held()
        with pytest.raises(Refused, match=f"taken over from this run: .*process {os.getpid()}"):
            stuck.assert_held()


def test_nothing_is_taken_over_from_nobody(tmp_path):
    with site_lock(tmp_path, take_over=True):
        assert [f.name for f in tmp_path.iterdir()] == ["site.lock"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"user": "opc"}', "\udcff"])
def test_an_owner_that_could_not_write_its_name_holds_the_site_all_the_same(tmp_path, text):
    with site_lock(tmp_path):
        (tmp_path / "site.lock").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(Refused, match="its owner has not written its name"), site_lock(tmp_path):
            pass
        with site_lock(tmp_path, take_over=True) as lock:
            lock.assert_held()
