"""That a drill can fail, and that nothing stays behind when it is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.hardware.teardown import remains
from lab.system.waiting import until
from tests.drill.run_drill import drill
from tests.paths import ROOT

pytestmark = pytest.mark.guests
BEGIN_SECONDS = 300


@pytest.mark.nightly
def test_a_lost_record_fails_the_drill_and_is_named(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--lose", "7")
    assert code == 1
    assert story["records_lost"] == 1
    assert "1 acknowledged records are not in the file, first [7]" in text


@pytest.mark.nightly
def test_hooks_that_do_not_mount_fail_the_drill(tmp_path):
    tree = tmp_path / "tree"
    left_out = (".venv", ".lab", ".git", ".*_cache", ".hypothesis", "__pycache__", "dist", "rendered")
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*left_out))
    (tree / ".venv").symlink_to(ROOT / ".venv")
    disable_mount(tree / "hooks" / "layers" / "filesystem.py")
    code, story, text = drill(tmp_path / "lab", "--standby", tree=tree)
    assert code == 1
    assert story["outcome"] == "failed"
    assert "/mnt/a" in " ".join(story["missing"]), text
    assert "not mounted" in " ".join(story["missing"]), text


def disable_mount(module: Path) -> None:
    text = module.read_text()
    broken = text.replace('host.run("mount", filesystem.mount', 'host.run("true", filesystem.mount')
    assert broken != text, "the mount step is not where this test looks for it"
    module.write_text(broken)


def test_a_drill_that_was_killed_leaves_nothing_that_down_does_not_remove(tmp_path):
    run = tmp_path / "lab"
    command = [sys.executable, "-m", "invoke", "drill", "--run", str(run)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        # what it takes from the cache may still be made by another test, which it waits for
        begun = until(lambda: (run / "stack").exists() and remains(run), BEGIN_SECONDS, 0.2)
        os.killpg(process.pid, signal.SIGKILL)
    assert begun, "killed before it had begun: nothing was tested"
    assert remains(run)
    subprocess.run(
        [sys.executable, "-m", "invoke", "lab.down", "--run", str(run)], cwd=ROOT, check=True, timeout=60
    )
    assert remains(run) == []
    null = Path("/dev/null").stat()
    assert os.major(null.st_rdev) == 1
    assert os.minor(null.st_rdev) == 3
    assert null.st_mode & 0o777 == 0o666
