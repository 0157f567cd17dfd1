"""The hooks over a real SSH connection: one round trip where they are there, one more where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from failover.deadline import until
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import SshHost, close_shared
from failover.model.host.host_spec import ClientDocument
from failover.model.outcome import Failed
from failover.model.site import SshAccess
from tests.unit.failover.hosts.sshd import Behaviour, Sshd, sshd

SPEC: ClientDocument = {
    "version": 1,
    "role": "client",
    "deadline_seconds": 10,
    "mode": "remount",
    "server": "nfs-srv-2",
    "servers": [{"name": "nfs-srv-2", "hostname": "nfs-srv-2", "addresses": ["127.0.0.1"]}],
    "service": [],
    "exports": ["/mnt/a"],
    "root": None,
    "mounts": [{"path": "/mnt/a", "mount": '/mnt/nfs/it\'s a "mount" $HOME'}],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The login's home on the host; its sudo(8) runs what it is given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (tmp_path / "bin/sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def running(home: Path) -> Iterator[Sshd]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(home.parent / "id"))
    key.write_public_key(str(home.parent / "id.pub"))
    with sshd(home.parent / "id.pub", Behaviour()) as server:
        yield server


@pytest.fixture
def runner(home: Path, running: Sshd) -> Iterator[HookRunner]:
    (home.parent / "known").write_text(running.line())
    (home.parent / "config").write_text(f"Host *\n  Port {running.port}\n")
    access = SshAccess("opc", home.parent / "id", home.parent / "config", home.parent / "known", 3.0)
    host = SshHost("nfs-cli", "127.0.0.1", access)
    yield HookRunner(host)
    host.close()
    close_shared(access)


def test_the_hooks_travel_once_and_every_later_call_is_one_round_trip(
    runner: HookRunner, running: Sshd, home: Path
) -> None:
    first = runner.hooks("check", SPEC, 20)
    assert first.result.role == "client"
    assert first.ahead is not None
    assert abs(first.ahead) < 15  # it is one machine
    assert "$HOME" in first.message  # the spec came through the shell as it was
    assert len(running.behaviour.commands) == 2
    again = runner.hooks("check", SPEC, 20)
    assert again.message == first.message
    assert len(running.behaviour.commands) == 3
    (sent,) = (home / ".nfs-failover").iterdir()
    assert sent.suffix == ".pyz"
    assert not any("mounts" in command for command in running.behaviour.commands)
    # a login's csh(1): a newline ends its quoted text, an exclamation mark is its history
    assert not any(sign in command for command in running.behaviour.commands for sign in "\n!")


def test_a_home_that_cannot_be_written_is_named(runner: HookRunner, home: Path) -> None:
    (home / ".nfs-failover").write_text("in the way")
    with pytest.raises(Failed, match=r"nfs-cli: the hooks could not be written to \.nfs-failover/hooks-"):
        runner.hooks("check", SPEC, 20)


@pytest.mark.parametrize("there", [True, False], ids=["hooks-there", "hooks-sent-late"])
def test_hooks_that_were_started_beforehand_answer_once_they_have_their_spec(
    runner: HookRunner, running: Sshd, there: bool
) -> None:
    wanted = runner.hooks("check", SPEC, 20).message if there else ""
    before = len(running.behaviour.commands)
    started = runner.started("check", 20)
    assert until(lambda: len(running.behaviour.commands) > before, bool, 10)
    assert started.waiting()
    report = started.answer(SPEC)
    assert report.result.role == "client"
    assert report.message == (wanted or report.message)
    assert not started.waiting()


def test_hooks_that_are_not_used_end_and_the_host_goes_on(runner: HookRunner, running: Sshd) -> None:
    runner.hooks("check", SPEC, 20)
    before = len(running.behaviour.commands)
    started = runner.started("check", 20)
    assert until(lambda: len(running.behaviour.commands) > before, bool, 10)
    started.abandon()
    assert until(lambda: not started.waiting(), bool, 10)
    assert runner.hooks("check", SPEC, 20).result.role == "client"


def test_a_connection_that_breaks_meanwhile_leaves_none_that_wait(runner: HookRunner, running: Sshd) -> None:
    runner.hooks("check", SPEC, 20)
    before = len(running.behaviour.commands)
    started = runner.started("check", 20)
    assert until(lambda: len(running.behaviour.commands) > before, bool, 10)
    runner.ssh.close()
    assert until(lambda: not started.waiting(), bool, 10)
    assert runner.hooks("check", SPEC, 20).result.role == "client"


@pytest.mark.parametrize("there", [True, False], ids=["hooks-there", "hooks-sent-first"])
def test_a_takeover_that_never_has_its_spec_ends_with_nothing_done(runner: HookRunner, there: bool) -> None:
    if there:
        runner.hooks("check", SPEC, 20)
    started = runner.started("take-over", 20)
    started.abandon()
    assert until(lambda: not started.waiting(), bool, 10)
    with pytest.raises(Failed, match="standard input: found its end, expected a spec; nothing was done"):
        started.answer(SPEC)
