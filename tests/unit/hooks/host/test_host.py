"""The runner, with real commands: codes, words, deadlines, masks."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from hooks.host.host import CommandFailed, Host, OutOfTime
from hooks.host.lock import Busy, exclusive

pytestmark = pytest.mark.usefixtures("real_commands")


def test_output_and_locale() -> None:
    outcome = Host(10).run("sh", "-c", "echo $LC_ALL; echo words >&2")
    assert (outcome.code, outcome.out, outcome.err) == (0, "C\n", "words\n")


def test_a_failure_tells_command_code_and_words() -> None:
    with pytest.raises(
        CommandFailed, match=r"`sh -c echo no such target >&2; exit 19` ended with 19: no such target"
    ):
        Host(10).run("sh", "-c", "echo no such target >&2; exit 19")


def test_a_tolerated_code_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert Host(10).run("sh", "-c", "exit 15", tolerate={15: "session exists"}).code == 15
    assert "15 session exists" in capsys.readouterr().err


def test_masks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandFailed) as error:
        Host(10).run("sh", "-c", "echo hunter2 >&2; exit 1", masks=["hunter2"])
    assert "hunter2" not in str(error.value) + capsys.readouterr().err
    assert "***" in str(error.value)


def test_a_missing_command_says_what_to_do() -> None:
    with pytest.raises(CommandFailed, match="no-such-command: command not found; install the package"):
        Host(10).run("no-such-command")


def test_a_command_that_hangs_is_killed_with_its_children() -> None:
    began, nap = time.monotonic(), f"sleep 77.{os.getpid()}"
    with pytest.raises(OutOfTime, match="did not end within"):
        Host(10).run("sh", "-c", f"{nap} & {nap}", seconds=0.3)
    assert time.monotonic() - began < 2
    while (
        nap in _running() and time.monotonic() - began < 10
    ):  # a killed process ends when it gets a processor
        time.sleep(0.05)
    assert nap not in _running()


def _running() -> list[str]:
    return subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_run_s_deadline_bounds_every_command() -> None:
    with pytest.raises(OutOfTime):
        Host(0.2).run("sleep", "5")
    with pytest.raises(OutOfTime, match="no time left"):
        Host(0).run("true")


def test_a_wait_names_what_it_waited_for() -> None:
    with pytest.raises(OutOfTime, match=r"waited 0 s for the moon"):
        Host(0.2).wait("the moon", lambda: False, 60)


def test_an_open_port_is_reached_and_a_closed_one_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        Host(10).reach("bv1", "127.0.0.1", port, 5, "")
    began = time.monotonic()
    words = rf"bv1: 127.0.0.1 port {port} is not reachable: .*Connection refused; attach it"
    with pytest.raises(OutOfTime, match=words):
        Host(10).reach("bv1", "127.0.0.1", port, 0.6, "; attach it")
    assert 0.6 <= time.monotonic() - began < 3


def test_a_port_that_opens_meanwhile_is_reached() -> None:
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        opens = threading.Timer(0.3, late.listen)
        opens.start()
        Host(10).reach("bv1", "127.0.0.1", late.getsockname()[1], 5, "")
        opens.join()


def test_one_change_at_a_time(tmp_path: Path) -> None:
    """Who waits gives up after all of its own time, and says who is at work on what."""
    (tmp_path / "run").mkdir()
    host = Host(10, str(tmp_path))
    ready, done = os.pipe()
    with exclusive(host, "the boot service"):
        host.on_step("runs `mount /mnt/a`")
        child = os.fork()
        if not child:
            try:
                with exclusive(Host(1.5, str(tmp_path)), "release"):
                    os.write(done, b"it got in")
            except Busy as error:
                os.write(done, str(error).encode())
            os._exit(0)
        os.waitpid(child, 0)
    text = os.read(ready, 500).decode()
    who = rf"the boot service \(process {os.getpid()}, \d s old\), "
    assert re.match(who + r"which runs `mount /mnt/a` since \d s, holds the lock\. ", text), text
    assert "wait, then run the same command again" in text
    with exclusive(host, "release"):
        pass


def test_the_deadline_begins_when_the_lock_is_there(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    host = Host(3, str(tmp_path))
    with (tmp_path / "run/nfs-failover.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Timer(1.2, fcntl.flock, (held, fcntl.LOCK_UN)).start()
        with exclusive(host, "apply"):
            assert host.left() > 2.5


def test_a_command_and_a_wait_are_what_a_holder_does(tmp_path: Path, real_commands: None) -> None:
    (tmp_path / "run").mkdir()
    host = Host(10, str(tmp_path))
    (tmp_path / "run/nfs-failover.lock").write_text('["release", 1, 0.0, "runs `umount /mnt/a`", 0.0]')
    with exclusive(host, "apply"):
        assert "umount" not in (tmp_path / "run/nfs-failover.lock").read_text()
        host.run("true")
        assert "runs `true`" in (tmp_path / "run/nfs-failover.lock").read_text()
        host.wait("vg1", lambda: True, 1)
        assert "waits for vg1" in (tmp_path / "run/nfs-failover.lock").read_text()
    host.run("true")
    assert "waits for vg1" in (tmp_path / "run/nfs-failover.lock").read_text()


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    ready, done = os.pipe()
    child = os.fork()
    if not child:
        with exclusive(Host(10, str(tmp_path)), "apply"):
            os.write(done, b"in")
            time.sleep(60)
    os.read(ready, 2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with exclusive(Host(2, str(tmp_path)), "apply"):
        pass


def test_one_look_asks_once_until_something_is_changed(tmp_path: Path) -> None:
    host, log = Host(10), tmp_path / "log"
    asks = ("sh", "-c", f"echo x >> {log}; wc -l < {log}")

    def answers(times: int) -> list[str]:
        return [host.query(*asks).out.strip() for _ in range(times)]

    assert answers(2) == ["1", "2"], "outside of a look each question is asked"
    with host.one_look():
        assert answers(2) == ["3", "3"]
        host.run("true")
        assert answers(2) == ["4", "4"]
        with pytest.raises(CommandFailed):
            host.run("false")
        assert answers(2) == ["5", "5"], "a change that failed may be half done"
        looks = iter([False, True])
        host.wait("a change of somebody else", lambda: bool(answers(1)) and next(looks), 5)
        assert answers(1) == ["6"]
    assert answers(1) == ["7"]


def test_what_failed_is_asked_again(tmp_path: Path) -> None:
    host, there = Host(10), tmp_path / "there"
    with host.one_look():
        with pytest.raises(CommandFailed):
            host.query("cat", str(there))
        there.write_text("now")
        assert host.query("cat", str(there)).out == "now"
