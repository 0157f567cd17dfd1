"""The provider as a process: it serves many commands, is found by its lab, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.provider.process import ProviderProcess, ProviderProcessError
from tests.paths import ROOT
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.lab_cloud import serving as serving_api

pytestmark = pytest.mark.own_rule


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCloud]:
    """An API of its own: the other tests' provider goes on."""
    with serving_api(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def serving(cloud: LabCloud) -> Iterator[ProviderProcess]:
    process = ProviderProcess(cloud.run).start()
    yield process
    process.stop()


def announced(process: ProviderProcess) -> tuple[int, Path]:
    """Its pid and its socket."""
    (entry,) = json.loads(process.environment()["TF_REATTACH_PROVIDERS"]).values()
    return entry["Pid"], Path(entry["Addr"]["String"])


def test_it_names_the_lab_on_its_command_line(serving: ProviderProcess, cloud: LabCloud) -> None:
    pid, socket = announced(serving)
    assert str(cloud.run.resolve()).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    assert len(str(socket)) < 108
    assert (cloud.run / "provider.pid").read_text().strip() == str(pid)


def test_a_second_start_finds_the_first(serving: ProviderProcess, cloud: LabCloud) -> None:
    other = ProviderProcess(cloud.run).start()
    assert announced(other) == announced(serving)


def test_sigterm_leaves_nothing_behind(serving: ProviderProcess, cloud: LabCloud) -> None:
    pid, socket = announced(serving)
    serving.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert not socket.parent.exists()
    assert not (cloud.run / "reattach.json").exists()
    assert not (cloud.run / "provider.pid").exists()
    serving.stop()


def test_a_start_after_a_kill_cleans_up(serving: ProviderProcess, cloud: LabCloud) -> None:
    pid, socket = announced(serving)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while serving.is_serving() and time.monotonic() < deadline:
        time.sleep(0.02)
    again = ProviderProcess(cloud.run).start()
    assert announced(again)[0] != pid
    assert not socket.parent.exists()


def test_without_an_api_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"start the lab's API for .* first"):
        ProviderProcess(tmp_path).start()


def test_a_provider_that_dies_shows_its_log(cloud: LabCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProviderProcessError, match="ended with status 1"):
        ProviderProcess(cloud.run).start(deadline_seconds=10)


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab.provider", "--run", str(tmp_path / "none")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 2
    assert "is not a directory: create the lab first" in result.stderr
