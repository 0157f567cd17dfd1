"""Whole drills on real guests: that they work, that they can fail, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.remains import remains

ROOT = Path(__file__).resolve().parents[2]
DRILL_SECONDS = 900

pytestmark = pytest.mark.guests


def drill(run: Path, *argv: str, tree: Path = ROOT) -> tuple[int, dict, str]:
    """Run `invoke drill` in `tree`; exit code, story, all of its output."""
    command = [sys.executable, "-m", "invoke", "drill", "--json", "--run", str(run), *argv]
    done = subprocess.run(
        command,
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    print(done.stdout)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_the_service_comes_back_on_a_server_launched_from_the_image(tmp_path):
    run = tmp_path / "lab"
    code, story, text = drill(run)
    assert code == 0, text
    assert story["outcome"] == "done"
    assert story["active"] == "nfs-srv-2"
    assert story["records_acknowledged"] > 20
    assert story["records_lost"] == 0
    assert story["second_plan_changes"] == 0
    assert story["outage_seconds"] > 1
    names = [p["name"].strip() for p in story["phases"]]
    assert [n for n in names if n.startswith(("launch", "power-off", "switch", "take-over", "client"))]
    assert "outage as the client saw it" in text
    assert remains(run) == []
    assert not run.exists()


def test_a_planned_switchover_and_the_way_home_lose_nothing(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--mode", "alive", "--standby", "--failback")
    assert code == 0, text
    assert [move["target"] for move in story["moves"]] == ["nfs-srv-2", "nfs-srv-1"]
    assert story["active"] == "nfs-srv-1"
    assert story["records_lost"] == 0
    assert "release nfs-srv-1: done" in text
    assert "release nfs-srv-2: done" in text
    assert "power-off" not in text


def test_a_server_that_goes_on_writing_unreached_is_fenced_and_cannot_come_back(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--mode", "unreachable", "--standby", "--comeback")
    assert code == 0, text
    assert "power-off nfs-srv-1: done" in text
    assert (story["records_lost"], story["attached_twice"]) == (0, 0)
    assert "comeback" in [p["name"] for p in story["phases"]]


def test_an_apply_in_the_console_alone_completes_the_takeover(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "resource-manager")
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"], story["attached_twice"]) == (0, 0, 0)
    assert "apply job: SUCCEEDED" in text
    assert "the console of nfs-srv-2: nfs-failover: in service: ocid1.volumeattachment." in text
    assert "invoke" not in text, "no program of ours may be in the way"


def test_a_pull_request_moves_the_service(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "gitops", "--standby")
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"]) == (0, 0)


def test_drills_drawn_from_a_seed_converge(tmp_path):
    code, told, text = drill(tmp_path / "lab", "--soak", "2", "--seed", "13")
    assert code == 0, text
    assert (told["done"], told["records_lost"], told["attached_twice"]) == (2, 0, 0)
    assert told["records_acknowledged"] > 40


def test_a_lost_record_fails_the_drill_and_is_named(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--lose", "7")
    assert code == 1
    assert story["records_lost"] == 1
    assert "1 acknowledged records are not in the file, first [7]" in text


def test_hooks_that_do_not_mount_fail_the_drill(tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".lab", ".git", ".*_cache", "dist"))
    (tree / ".venv").symlink_to(ROOT / ".venv")
    disable_mount(tree / "hooks" / "filesystem.py")
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
        end = time.monotonic() + 120
        while not (run / "stack").exists() and time.monotonic() < end:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
    assert remains(run), "killed before it had begun: nothing was tested"
    subprocess.run(
        [sys.executable, "-m", "invoke", "lab.down", "--run", str(run)], cwd=ROOT, check=True, timeout=60
    )
    assert remains(run) == []
    null = Path("/dev/null").stat()
    assert os.major(null.st_rdev) == 1
    assert os.minor(null.st_rdev) == 3
    assert null.st_mode & 0o777 == 0o666
