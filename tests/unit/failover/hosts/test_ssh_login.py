"""SSH against a real server on the loopback interface: logins as ssh(1) makes them, and their failures."""

from __future__ import annotations

import asyncio
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from failover.hosts.ssh import HostUnknown, LoginRefused, Silent, SshHost, agents, close_shared, failure, loop
from failover.hosts.ssh.host import _SITES
from failover.model.outcome import Unknown, Usage
from failover.model.site import SshAccess
from tests.unit.failover.hosts.sshd import BANNER, RELAY, Behaviour, Sshd, sshd

SIGN_REQUEST = 13  # of the agent's protocol (draft-ietf-sshm-ssh-agent)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key that is let in (id), its public half, and one that is not (other)."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("id", "other"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(folder / name))
        (folder / name).chmod(0o600)
        key.write_public_key(str(folder / f"{name}.pub"))
    return folder


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without an agent of whoever runs the tests; nothing is shared with the next test."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield
    for access in list(_SITES):
        close_shared(access)


@pytest.fixture
def server(keys: Path) -> Iterator[Sshd]:
    with sshd(keys / "id.pub") as running:
        yield running


class Machine:
    """The operator's machine: an ssh configuration and a known_hosts file of its own."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder, self.keys = folder, keys
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "config"
        self.identity: Path | None = keys / "id"
        self.connect_seconds = 3.0

    def configure(self, text: str) -> None:
        self.config.write_text(text)

    def knows(self, *lines: str) -> None:
        self.known_hosts.write_text("".join(lines))

    def host(self, address: str = "127.0.0.1", pinned: tuple[str, ...] = ()) -> SshHost:
        access = SshAccess(
            user="opc",
            identity_file=self.identity,
            config_file=self.config,
            known_hosts=self.known_hosts,
            connect_seconds=self.connect_seconds,
        )
        return SshHost("nfs-srv-1", address, access, pinned)


@pytest.fixture
def machine(tmp_path: Path, keys: Path, server: Sshd) -> Machine:
    """Everything is right."""
    made = Machine(tmp_path, keys)
    made.configure(f"Host *\n  Port {server.port}\n")
    made.knows(server.line())
    return made


def runs(host: SshHost) -> str:
    try:
        return host.run(["echo", "a b", "$HOME"], 10).out
    finally:
        host.close()


def test_a_command_is_run_with_each_word_quoted_and_its_standard_input(machine: Machine) -> None:
    host = machine.host()
    assert host.run(["printf", "%s|", "a b", "$HOME", "it's"], 10).out == "a b|$HOME|it's|"
    assert host.run(["cat"], 10, stdin="x" * 200_000 + "\n").out == "x" * 200_000 + "\n"
    failed = host.run(["sh", "-c", "echo no >&2; exit 7"], 10)
    assert (failed.code, failed.err) == (7, "no\n")
    assert host.attempt is not None
    assert host.attempt.answered
    host.close()


def test_a_command_that_ends_before_it_reads_its_input_has_ended(machine: Machine, server: Sshd) -> None:
    """As the hooks' launcher does where their file is missing; a quick host ends before we have written."""
    server.behaviour.reads = False
    host = machine.host()
    host.run(["true"], 10)
    over = threading.Event()

    async def occupy() -> None:
        while not over.is_set():
            time.sleep(0.05)  # other hosts' work: the answer and the end arrive together
            await asyncio.sleep(0)

    busy = loop.begin(occupy())
    try:
        for _ in range(3):
            ran = host.run(["sh", "-c", "echo no >&2; exit 117"], 10, stdin="x" * 100_000)
            assert (ran.code, ran.out, ran.err) == (117, "", "no\n")
    finally:
        over.set()
        busy.result(10)
        host.close()


def test_one_connection_is_kept_for_all_commands(machine: Machine, server: Sshd) -> None:
    host = machine.host()
    for _ in range(3):
        host.run(["true"], 10)
    assert server.behaviour.logins == 1
    host.close()


# K8: output that is not ours
def test_what_a_login_prints_is_not_taken_for_an_answer(machine: Machine, server: Sshd) -> None:
    server.behaviour.noise = BANNER
    host = machine.host()
    first = host.boot_id()
    time.sleep(0.1)
    server.behaviour.noise = BANNER.replace("14:58:01", "14:58:02")
    assert first == Path("/proc/sys/kernel/random/boot_id").read_text().strip() == host.boot_id()
    assert host.run(["echo", "ours"], 10).out == "ours\n"
    host.close()


# K1: as ssh(1)
def test_a_key_that_a_configuration_names_and_that_is_not_there_is_skipped(machine: Machine) -> None:
    machine.configure(machine.config.read_text() + "  IdentityFile ~/.ssh/no-such-key\n  IdentityFile none\n")
    assert runs(machine.host()) == "a b $HOME\n"


def test_a_key_that_is_in_the_agent_is_used(
    machine: Machine, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with agent_with(tmp_path / "agent", keys / "id"):
        machine.identity = None
        machine.configure(machine.config.read_text() + "  IdentityFile none\n")
        assert runs(machine.host()) == "a b $HOME\n"
        machine.configure(
            machine.config.read_text().replace("none", f"{keys / 'id.pub'}\n IdentitiesOnly yes")
        )
        assert runs(machine.host()) == "a b $HOME\n"


def test_an_agent_that_has_gone_is_skipped(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    assert runs(machine.host()) == "a b $HOME\n"


@contextmanager
def agent_with(path: Path, *names: Path) -> Iterator[None]:
    """A real agent that holds these keys."""
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        asked = ["ssh-add", "-l"]  # 2: it does not listen yet
        while subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 2:
            time.sleep(0.02)
        for name in names:
            subprocess.run(["ssh-add", "-q", str(name)], check=True, env=environment)
        yield
    finally:
        agent.terminate()
        agent.wait()


@contextmanager
def forwarded(path: Path, real: Path, answers: int, pause: float = 0.0) -> Iterator[None]:
    """An agent behind a socket of its own: so many answers, and then none; it signs after a pause."""
    passed: list[float] = []

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as agent:
                agent.connect(str(real))
                while question := self.request.recv(65536):
                    if len(passed) < answers:
                        passed.append(time.monotonic())
                        time.sleep(pause if question[4] == SIGN_REQUEST else 0)
                        agent.sendall(question)
                        self.request.sendall(agent.recv(65536))

    with socketserver.ThreadingUnixStreamServer(str(path), Relay) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            listening.shutdown()


@pytest.mark.parametrize("answers", [0, 1], ids=["to no question", "but does not sign"])
def test_an_agent_that_does_not_answer_is_given_up_once(
    machine: Machine, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    """Forwarded from a laptop that sleeps: the login goes on with the keys of files."""
    monkeypatch.setattr(agents, "_LIST_SECONDS", 0.5)
    monkeypatch.setattr(agents, "_SIGN_SECONDS", 0.5)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "forwarded"))
    with (
        agent_with(tmp_path / "real", keys / "other", keys / "id"),
        forwarded(tmp_path / "forwarded", tmp_path / "real", answers),
    ):
        host = machine.host()
        assert runs(host) == "a b $HOME\n"
        began = time.monotonic()
        assert runs(host) == "a b $HOME\n"
        assert time.monotonic() - began < 0.5, "it is asked once"
        machine.identity = None
        machine.configure(machine.config.read_text() + "  IdentityFile none\n")
        with pytest.raises(LoginRefused, match="the agent's \\(it does not answer\\)"):
            runs(machine.host())


def test_a_slow_agent_is_waited_for_while_it_answers_anybody(
    machine: Machine, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is touched for each signature: neither its pause nor its queue is the host's."""
    monkeypatch.setattr(agents, "_SIGN_SECONDS", 4.0)
    monkeypatch.setattr(failure, "LOGIN_SECONDS", 3.0)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "forwarded"))
    machine.identity = None
    machine.configure(machine.config.read_text() + "  IdentityFile none\n")
    with (
        agent_with(tmp_path / "real", keys / "id"),
        forwarded(tmp_path / "forwarded", tmp_path / "real", answers=99, pause=0.8),
        ThreadPoolExecutor(6) as pool,
    ):
        hosts = [machine.host() for _ in range(6)]
        assert list(pool.map(runs, hosts)) == ["a b $HOME\n"] * 6


@pytest.mark.parametrize("quoted", ["{}", '"{}"'])
def test_include_and_match_are_honoured(machine: Machine, server: Sshd, quoted: str) -> None:
    (machine.folder / "more").write_text(
        f'Match host 10.9.8.* exec "true"\n  Port {server.port}\n  HostName 127.0.0.1\n  HostKeyAlias nfs\n'
        "Host *\n  ProxyJump none\n"
    )
    machine.configure(f"Include {quoted.format(machine.folder / 'more')}\nHost *\n  ServerAliveInterval 1m\n")
    machine.knows(server.line().replace(f"[127.0.0.1]:{server.port}", "nfs"))
    assert runs(machine.host("10.9.8.7")) == "a b $HOME\n"


def test_a_proxy_command_is_run_with_its_words_expanded(machine: Machine, server: Sshd) -> None:
    relay = machine.folder / "relay.py"
    relay.write_text(RELAY)
    machine.configure(f"Host *\n  Port {server.port}\n  ProxyCommand python3 {relay} %h %p\n")
    host = machine.host()
    assert host.run(["echo", "through"], 10).out == "through\n"
    assert host.attempt is not None
    assert host.attempt.way == f"through `python3 {relay} %h %p`"
    host.close()


def test_a_jump_host_is_logged_in_to_once_for_all_hosts(machine: Machine, keys: Path, server: Sshd) -> None:
    with sshd(keys / "id.pub") as bastion:
        machine.configure(
            f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  IdentityFile {keys / 'id'}\n"
            f"  UserKnownHostsFile {machine.known_hosts}\n"
            f"Host 127.0.0.1\n  Port {server.port}\n  ProxyJump bastion\n"
        )
        machine.knows(server.line(), bastion.line())
        hosts = [machine.host() for _ in range(5)]
        assert [h.run(["echo", "x"], 10).out for h in hosts] == ["x\n"] * 5
        assert bastion.behaviour.logins == 1
        assert hosts[0].accepts(server.port)
        assert not hosts[0].accepts(1)
        for host in hosts:
            host.close()


def test_a_jump_host_that_refuses_us_says_nothing_of_the_host(
    machine: Machine, keys: Path, server: Sshd
) -> None:
    with sshd(keys / "other.pub") as bastion:
        machine.configure(
            f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  IdentityFile {keys / 'id'}\n"
            f"  UserKnownHostsFile {machine.known_hosts}\nHost 127.0.0.1\n  ProxyJump bastion\n"
        )
        machine.knows(server.line(), bastion.line())
        with pytest.raises(HostUnknown, match="the way through bastion was not passed"):
            runs(machine.host())


# K2: lines of somebody else
def test_lines_of_others_in_known_hosts_are_understood_or_skipped(machine: Machine, server: Sshd) -> None:
    public = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])
    others = [
        f"@cert-authority *.example.com {public}\n",
        f"@revoked *.example.org {public}\n",
        "@marked-otherwise host ssh-ed25519 AAAA\n",
        "one-word\n",
        "host ssh-unknown AAAAB3NzaC1\n",
        "|9|nohash|nohash ssh-ed25519 AAAA\n",
        "\x00\xff\n",
        "# a comment\n\n",
    ]
    machine.known_hosts.write_bytes("".join([*others, server.line()]).encode("latin-1"))
    assert runs(machine.host()) == "a b $HOME\n"


def test_hashed_names_in_known_hosts_are_understood(machine: Machine, server: Sshd) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", str(machine.known_hosts)], check=True, capture_output=True
    )
    assert machine.known_hosts.read_text().startswith("|1|")
    assert runs(machine.host()) == "a b $HOME\n"


def test_a_revoked_key_is_refused(machine: Machine, server: Sshd) -> None:
    machine.knows(server.line(), "@revoked * " + server.line().split(" ", 1)[1])
    with pytest.raises(HostUnknown):
        runs(machine.host())


def test_a_host_certificate_of_a_known_authority_is_trusted(machine: Machine, keys: Path) -> None:
    authority, key = (
        asyncssh.generate_private_key("ssh-ed25519"),
        asyncssh.generate_private_key("ssh-ed25519"),
    )
    certificate = authority.generate_host_certificate(key, "nfs", principals=["127.0.0.1"])
    public = " ".join(authority.export_public_key().decode().split()[:2])

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[(key, certificate)],
            authorized_client_keys=str(keys / "id.pub"),
            process_factory=lambda process: process.exit(0),
        )

    with sshd(keys / "id.pub") as other:
        import asyncio  # noqa: PLC0415 - the loop is the other server's

        acceptor = asyncio.run_coroutine_threadsafe(listen(), other.loop).result(20)
        port = acceptor.get_port()
        machine.configure(f"Host *\n  Port {port}\n")
        machine.knows(f"@cert-authority [127.0.0.1]:{port} {public}\n")
        with pytest.raises(HostUnknown, match="gave no shell"):  # it let us in, and runs nothing
            runs(machine.host())


# our own faults
def test_a_wrong_identity_file_of_the_site_is_usage_and_names_the_file(machine: Machine) -> None:
    machine.identity = machine.folder / "no-such-key"
    with pytest.raises(Usage, match=r"identity_file .*no-such-key: does not exist"):
        runs(machine.host())
    machine.identity = machine.config
    with pytest.raises(Usage, match="is not a private key"):
        runs(machine.host())


def test_a_key_that_wants_a_passphrase_is_usage(machine: Machine) -> None:
    machine.identity = machine.folder / "locked"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(machine.identity)]
    subprocess.run(made, check=True)
    with pytest.raises(Usage, match="wants a passphrase"):
        runs(machine.host())


@pytest.mark.parametrize(
    ("line", "told"),
    [("NoSuchOption yes", "Bad configuration option"), ("Port no-such-port", "Bad"), ("Host", "ssh refuses")],
)
def test_a_configuration_that_ssh_refuses_is_usage(machine: Machine, line: str, told: str) -> None:
    machine.configure(f"{line}\n")
    with pytest.raises(Usage, match=told):
        runs(machine.host())


def test_a_name_that_does_not_resolve_here_says_nothing_of_the_host(machine: Machine) -> None:
    with pytest.raises(HostUnknown, match="does not resolve on this machine"):
        runs(machine.host("nfs-srv-1.invalid"))


def test_a_proxy_command_that_cannot_be_run_says_nothing_of_the_host(machine: Machine) -> None:
    machine.configure("Host *\n  ProxyCommand no-such-command %h %p\n")
    with pytest.raises(HostUnknown, match="was not tried: the ProxyCommand ended with 127"):
        runs(machine.host())


def test_a_proxy_command_that_ends_slowly_is_still_no_silence(machine: Machine) -> None:
    """It has closed the connection already, and cannot say yet with what it ends."""
    machine.configure("Host *\n  ProxyCommand sh -c 'exec 0<&- 1>&-; sleep 0.7; exit 127'\n")
    with pytest.raises(HostUnknown, match="was not tried: the ProxyCommand ended with 127"):
        runs(machine.host())


@pytest.mark.parametrize("address", ["0.0.0.0.0", "255.255.255.255"])
def test_an_address_that_this_machine_cannot_connect_to_says_nothing_of_the_host(
    machine: Machine, address: str
) -> None:
    with pytest.raises(HostUnknown, match="was not tried"):
        runs(machine.host(address))


def test_no_file_descriptor_left_is_never_a_hosts_silence(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    host = machine.host()
    loop.call(asyncio.sleep(0))  # it has sockets of its own, and may not have been used before
    monkeypatch.setattr("failover.hosts.ssh.wire.socket.socket", exhausted)
    with pytest.raises(HostUnknown, match="no file descriptor left"):
        runs(host)


# refused by the host
def test_a_refused_login_names_the_keys_that_were_offered(machine: Machine, keys: Path) -> None:
    machine.identity = keys / "other"
    with pytest.raises(LoginRefused, match=r"the login 'opc' was refused .*with .*other") as error:
        runs(machine.host())
    assert error.value.attempt is not None
    assert error.value.attempt.answered


@pytest.mark.parametrize(("lines", "told"), [((), "its host key is not known"), (None, "another host key")])
def test_an_unknown_or_changed_host_key_is_no_silence(
    machine: Machine, server: Sshd, lines: tuple[str, ...] | None, told: str
) -> None:
    other = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])
    machine.knows(*(lines if lines is not None else (f"[127.0.0.1]:{server.port} {other}\n",)))
    with pytest.raises(HostUnknown, match=told) as error:
        runs(machine.host())
    assert error.value.attempt is not None
    assert error.value.attempt.answered


def test_pinned_keys_replace_known_hosts(machine: Machine, server: Sshd) -> None:
    machine.knows()
    pinned = (server.line().split(" ", 1)[1].strip(),)
    assert runs(machine.host(pinned=pinned)) == "a b $HOME\n"


# silent, or slow
@contextmanager
def listening(backlog: int = 8) -> Iterator[int]:
    """A port that accepts connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as silent:
        yield silent.getsockname()[1]


def test_a_refused_connection_is_silence(machine: Machine) -> None:
    machine.configure("Host *\n  Port 1\n")
    with pytest.raises(Silent) as error:
        runs(machine.host())
    attempt = error.value.attempt
    assert attempt is not None
    assert (attempt.result, attempt.answered, attempt.alive) == ("connection refused", False, "")
    assert "ssh opc@127.0.0.1 port 1 directly, key " in attempt.line


def test_a_port_that_accepts_without_a_banner_is_a_sign_of_life(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover.hosts.ssh.failure.LOGIN_SECONDS", 0.5)
    with listening() as port:
        machine.configure(f"Host *\n  Port {port}\n")
        with pytest.raises(Silent) as error:
            runs(machine.host())
    assert error.value.attempt is not None
    assert "accepts connections, but gives no SSH banner" in error.value.attempt.alive


def test_through_a_proxy_command_no_byte_in_time_is_silence_without_a_sign(machine: Machine) -> None:
    machine.connect_seconds = 0.5
    machine.configure("Host *\n  ProxyCommand sleep 60\n")
    began = time.monotonic()
    with pytest.raises(Silent) as error:
        runs(machine.host())
    assert time.monotonic() - began < 10
    assert error.value.attempt is not None
    assert (error.value.attempt.alive, error.value.attempt.answered) == ("", False)


# K13: every wait has a deadline from the first byte on
@pytest.mark.parametrize("hangs", ["session", "command"])
def test_a_host_that_lets_us_in_and_then_hangs_costs_its_own_deadline(
    keys: Path, tmp_path: Path, hangs: str
) -> None:
    with sshd(keys / "id.pub", Behaviour(hangs=hangs)) as server:
        machine = Machine(tmp_path, keys)
        machine.configure(f"Host *\n  Port {server.port}\n")
        machine.knows(server.line())
        began = time.monotonic()
        with pytest.raises(Unknown, match="no end of the command within 1 s"):
            machine.host().run(["true"], 1)
        assert time.monotonic() - began < 10


def test_hosts_that_hang_hold_up_no_other(machine: Machine, keys: Path, tmp_path: Path) -> None:
    with sshd(keys / "id.pub", Behaviour(hangs="command")) as hanging:
        stuck = Machine(tmp_path / "stuck", keys)
        stuck.folder.mkdir()
        stuck.configure(f"Host *\n  Port {hanging.port}\n")
        stuck.knows(hanging.line())
        began = time.monotonic()
        assert runs(machine.host()) == "a b $HOME\n"
        patience = 6 + 4 * (time.monotonic() - began)  # on a busy machine a login alone takes seconds

        def hang() -> None:
            with pytest.raises(Unknown):
                stuck.host().run(["true"], patience)

        threads = [threading.Thread(target=hang) for _ in range(20)]
        for thread in threads:
            thread.start()
        assert runs(machine.host()) == "a b $HOME\n"
        assert all(thread.is_alive() for thread in threads), "it came only after one that hangs"
        for thread in threads:
            thread.join()
