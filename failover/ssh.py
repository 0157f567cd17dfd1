"""One host over SSH, by fabric: host keys checked, one connection kept, silence told apart from refusal."""

from __future__ import annotations

import logging
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fabric
import paramiko
from invoke.exceptions import CommandTimedOut

from failover.outcome import Unknown, Usage
from failover.site import SshAccess

_USER = "opc"  # the user of OCI's images, where the site names none
logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # its thread prints what we report ourselves


class Silent(Exception):
    """The host did not answer: no route, refused, or no SSH banner in time. Proof of nothing."""


class LoginRefused(Unknown):
    """The host answers and does not let us in; while it boots or goes down, only for now (pam_nologin(8))."""


@dataclass(frozen=True)
class Ran:
    """What a command on a host came to."""

    code: int
    out: str
    err: str


class _Connection(fabric.Connection):
    """A fabric connection whose ProxyCommand is a process on a socket pair.

    paramiko's own ProxyCommand takes the command's end for "nothing yet" and spins until the banner's
    deadline: a dead host behind a bastion would cost the whole of it.
    """

    def open_gateway(self) -> Any:
        if not isinstance(self.gateway, str):
            return super().open_gateway()
        words = {"%h": str(self.host), "%p": str(self.port), "%r": str(self.user)}
        gateway: str = self.gateway
        argv = [words.get(word, word) for word in shlex.split(gateway)]
        ours, theirs = socket.socketpair()
        with theirs:
            end = theirs.fileno()
            subprocess.Popen(argv, stdin=end, stdout=end, stderr=subprocess.DEVNULL, start_new_session=True)
        return ours


class SshHost:
    """A host at an address. `pinned` keys, when there are any, replace known_hosts for it."""

    def __init__(self, name: str, address: str, access: SshAccess, pinned: tuple[str, ...] = ()) -> None:
        self.name = name
        self.address = address
        self._access = access
        self._known_hosts = access.known_hosts or Path("~/.ssh/known_hosts").expanduser()
        self._pinned = pinned
        self._connection: Any = None

    def run(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """Run argv (each word quoted) and return whatever it came to.

        Raises Silent when the host does not answer, Unknown when it answers but does not let us in, when
        the deadline passes, or when the connection breaks before the command's end is known.
        """
        with self._errors():
            # invoke feeds a stream byte by byte, a hundred a second: what goes in goes with the command
            fed = f"printf %s {shlex.quote(stdin)} | " if stdin else ""
            done = self._open().run(
                fed + shlex.join(argv),
                hide=True,
                warn=True,
                timeout=deadline_seconds,
                in_stream=False,
                encoding="utf-8",
            )
        if done.exited == -1:
            self.close()
            raise Unknown(
                f"{self.name}: the connection broke while {argv[0]} ran", "run the same command again"
            )
        return Ran(done.exited, done.stdout, done.stderr)

    def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._new()
            self._connection.open()
        return self._connection

    def _new(self) -> Any:
        access = self._access
        path = str(access.config_file) if access.config_file else None
        try:
            config = fabric.Config(runtime_ssh_path=path)
        except FileNotFoundError as error:
            raise Usage(f"ssh configuration {path} does not exist", "correct [ssh] config_file") from error
        connect: dict[str, Any] = {"banner_timeout": access.connect_seconds, "auth_timeout": 60}
        if access.identity_file:
            connect |= {"key_filename": str(access.identity_file), "look_for_keys": False}
        connection = _Connection(
            self.address,
            user=access.user or _USER,
            config=config,
            connect_timeout=int(access.connect_seconds),
            connect_kwargs=connect,
        )
        self._trust(connection.client)
        return connection

    def _trust(self, client: paramiko.SSHClient) -> None:
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        if self._pinned:
            for line in self._pinned:
                kind, _, blob = line.partition(" ")
                entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{self.address} {kind} {blob}")
                client.get_host_keys().add(self.address, kind, entry.key)
        elif self._known_hosts.exists():
            client.load_host_keys(str(self._known_hosts))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except paramiko.BadHostKeyException as error:
            raise self._unknown(f"another host key than the known one ({error})") from error
        except paramiko.AuthenticationException as error:
            self.close()
            refused = self._unknown(f"the login {self._access.user or _USER!r} was refused ({error})")
            raise LoginRefused(refused.reason, refused.remedy) from error
        except CommandTimedOut as error:
            self.close()
            raise self._unknown(f"no end of the command within {error.timeout:.0f} s") from error
        except paramiko.SSHException as error:
            self.close()
            if "not found in known_hosts" in str(error):
                raise self._unknown("its host key is not known") from error
            raise Silent(f"{self.name} ({self.address}): {error}") from error
        except (OSError, EOFError) as error:
            self.close()
            raise Silent(f"{self.name} ({self.address}): {error or 'closed'}") from error

    def _unknown(self, what: str) -> Unknown:
        return Unknown(
            f"{self.name} ({self.address}) answers SSH, but: {what}",
            f"make `ssh {self._access.user or _USER}@{self.address}` work with a verified host key "
            f"({self._known_hosts}), then try again",
        )


def wait_until_answers(host: SshHost, deadline_seconds: float, not_boot: str = "") -> str:
    """Wait until the host runs a command; returns its boot id, another than `not_boot` when given."""
    end = time.monotonic() + deadline_seconds
    refused: LoginRefused | None = None
    while time.monotonic() < end:
        try:
            boot = host.run(["cat", "/proc/sys/kernel/random/boot_id"], 60).out.strip()
        except Silent:
            boot, refused = "", None
        except LoginRefused as error:
            boot, refused = "", error
        if boot and boot != not_boot:
            return boot
        host.close()
        time.sleep(1)
    if refused is not None:
        raise refused
    raise Unknown(
        f"{host.name} ({host.address}) did not answer SSH within {deadline_seconds:.0f} s",
        "look at its console; then run the same command again",
    )
