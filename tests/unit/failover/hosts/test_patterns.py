"""One question to ssh(1) for all hosts with the same blocks; its answer is the one that each would get."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.hosts.ssh import patterns, settings
from failover.model.outcome import Usage
from failover.model.site import SshAccess

TEXT = """\
Include more/*.conf
Host 10.1.*
  Port 2222
  ProxyJump bastion
Host 10.1.0.9 !10.2.*
  HostName 192.0.2.9
Host=10.3.*
  ProxyCommand connect %h %p
Match all
  IdentityFile ~/.ssh/site
"""
HOSTS = [f"10.{a}.0.{b}" for a in (1, 2, 3) for b in (1, 2, 9)]


@pytest.fixture
def access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SshAccess:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh/more").mkdir(parents=True)
    (tmp_path / ".ssh/more/a.conf").write_text("Host *.9\n  User nine\n")
    (tmp_path / "config").write_text(TEXT)
    return SshAccess("opc", None, tmp_path / "config", tmp_path / "known", 1.0)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    real = settings._dump
    monkeypatch.setattr(settings, "_dump", lambda argv: asked.append(argv[-1]) or real(argv))
    return asked


def each_by_itself(access: SshAccess, monkeypatch: pytest.MonkeyPatch) -> list[settings.Settings]:
    with monkeypatch.context() as patched:
        patched.setattr(settings, "_shared", lambda host, access: None)
        return [settings.resolve(host, access) for host in HOSTS]


def test_the_settings_are_those_that_ssh_has_for_each_host(
    access: SshAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = each_by_itself(access, monkeypatch)
    asked = counted(monkeypatch)
    assert [settings.resolve(host, access) for host in HOSTS] == wanted
    assert wanted[0].port == 2222
    assert wanted[2].hostname == "192.0.2.9"
    assert len(asked) == len({(h.split(".")[1], h.endswith(".9")) for h in HOSTS})


def test_hundreds_of_hosts_are_one_question(access: SshAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    found = [settings.resolve(f"10.1.1.{n}", access) for n in range(10, 250)]
    assert len(asked) == 1
    assert found[100].hostname == "10.1.1.110"


@pytest.mark.parametrize("line", ["Match host 10.1.* exec true", "CanonicalizeHostname yes"])
def test_where_more_than_the_name_decides_each_host_is_asked_for(
    access: SshAccess, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    with Path(str(access.config_file)).open("a") as file:
        file.write(f"{line}\n")
    asked = counted(monkeypatch)
    for host in HOSTS:
        settings.resolve(host, access)
    assert len(asked) == len(HOSTS)


def test_a_configuration_that_was_changed_is_asked_about_again(access: SshAccess) -> None:
    assert settings.resolve("10.2.0.1", access).port == 22
    Path(str(access.config_file)).write_text("Host *\n  Port 2200\n")
    assert settings.resolve("10.2.0.1", access).port == 2200


def test_a_home_of_nobody_is_named_where_it_is_needed(access: SshAccess, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("IdentityFile ~nosuchuser/key\n")
    with pytest.raises(
        Usage, match=r"ssh_config names ~nosuchuser/key: this machine does not know that home"
    ):
        settings.resolve("10.9.0.1", access)


def test_an_include_of_nobody_is_left_to_ssh_itself(access: SshAccess, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Include ~nosuchuser/config\nPort 2222\n")
    assert patterns.blocks(access).of("10.9.0.1") is None


def test_a_name_of_any_bytes_in_the_configuration_is_taken(access: SshAccess, tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"IdentityFile /keys/\xff\nPort 2222\n")
    found = settings.resolve("10.9.0.1", access)
    assert (found.port, [bytes(file) for file in found.identity_files]) == (2222, [b"/keys/\xff"])


def test_an_ssh_that_cannot_be_run_is_this_machine_s_fault(
    access: SshAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(settings.subprocess, "run", exhausted)
    with pytest.raises(Usage, match=r"`ssh -G .* 10\.9\.0\.2` could not be run: .*Resource temporarily"):
        settings.resolve("10.9.0.2", access)
