"""One host over SSH: one connection kept, answers framed, a deadline on each wait."""

from __future__ import annotations

import asyncio
import re
import secrets
import shlex
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import asyncssh

from failover.deadline import Deadline, until
from failover.hosts.ssh import loop
from failover.hosts.ssh.connection import Connections, Route
from failover.hosts.ssh.errors import HostUnknown, LoginRefused, Silent
from failover.hosts.ssh.input import Input
from failover.model.host.attempt import Attempt
from failover.model.outcome import Unknown
from failover.model.site import SshAccess

_PROBE_SECONDS = 5.0
_BOOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
_LOOK_SECONDS = 0.2
_LOCK = threading.Lock()
_SITES: dict[SshAccess, Connections] = {}


@dataclass(frozen=True)
class Ran:
    """What a command on a host came to. `out`: what it printed itself, without what the login printed."""

    code: int
    out: str
    err: str


class SshHost:
    """A host at an address. `pinned` keys, when there are any, replace known_hosts for it.

    `attempt`: the newest login, for evidence; None before the first.
    """

    way = "SSH"

    def __init__(self, name: str, address: str, access: SshAccess, pinned: tuple[str, ...] = ()) -> None:
        self.name = name
        self.address = address
        self.attempt: Attempt | None = None
        self._access = access
        self._pinned = pinned
        self._connections = _connections(access)
        self._route: Route | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._opening, self._routing = asyncio.Lock(), threading.Lock()

    def run(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """Run argv (each word quoted) and return whatever it came to; raises as `ran` does."""
        return loop.call(self.ran(argv, deadline_seconds, stdin))

    async def ran(
        self, argv: list[str], deadline_seconds: float, stdin: str | Input = "", first: str = ""
    ) -> Ran:
        """Run argv (each word quoted) and return whatever it came to. In the event loop (loop.py) only.

        `first`: input that is sent at once, before `stdin`. The pieces of an Input come while the command
        runs already.
        Raises Silent when the host does not answer; HostUnknown when it answers but does not let us in, when
        the deadline passes, or when the connection breaks before the command's end is known; Usage for an SSH
        configuration or key of this machine that cannot be used.
        """
        connection = await self.opened()
        mark = secrets.token_hex(8)
        # the login's shell is replaced at once: what its start files print stands before the mark
        script = f"echo {mark}; exec {shlex.join(argv)}"
        try:
            done = await _ran(connection, f"exec sh -c {shlex.quote(script)}", stdin, first, deadline_seconds)
        except TimeoutError as error:
            self.close()
            raise self._broken(f"no end of the command within {deadline_seconds:.0f} s") from error
        except (OSError, asyncssh.Error) as error:
            self.close()
            raise self._broken(f"the connection broke while {argv[0]} ran ({error})") from error
        if done.exit_status is None or done.exit_status < 0:
            self.close()
            raise self._broken(f"the connection broke while {argv[0]} ran")
        before, separator, out = str(done.stdout).partition(f"{mark}\n")
        if not separator:
            raise self._broken(
                f"its login gave no shell, but: {' '.join((before + str(done.stderr)).split())[-200:]}"
            )
        return Ran(done.exit_status, out, str(done.stderr))

    def accepts(self, port: int) -> bool:
        """Whether a TCP port of the host accepts a connection from here: a sign of life, never a refusal."""
        seconds = min(_PROBE_SECONDS, self._access.connect_seconds)
        return loop.call(self._connections.probe(self._routed(), port, seconds))

    def boot_id(self, deadline_seconds: float = 60.0) -> str:
        """The kernel's boot id (random(4)); empty when the host prints none. Raises as `run` does."""
        match = _BOOT_ID.fullmatch(self.run(["cat", BOOT_ID_FILE], deadline_seconds).out.strip())
        return match.group() if match else ""

    def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            loop.spawn(_aborted(connection))

    async def opened(self) -> asyncssh.SSHClientConnection:
        """The connection, made now unless there is one. Raises Silent, HostUnknown, Usage."""
        async with self._opening:
            return await self._open()

    async def _open(self) -> asyncssh.SSHClientConnection:
        if self._connection is not None and self._connection.is_closed():
            self._connection = None
        if self._connection is None:
            route = await asyncio.to_thread(self._routed)  # it may run ssh(1)
            try:
                self._connection = await self._connections.open(self.name, route, self._pinned)
            except (Silent, HostUnknown) as error:
                self.attempt = error.attempt or self.attempt
                raise
            host_settings = route.settings
            self.attempt = Attempt(
                self.name,
                host_settings.hostname,
                host_settings.port,
                host_settings.user,
                host_settings.way,
                route.identity.names,
                "it let us in",
                answered=True,
            )
        return self._connection

    def _routed(self) -> Route:
        with self._routing:
            if self._route is None:
                self._route = Route.to(self.address, self._access)
            return self._route

    def _broken(self, what: str) -> HostUnknown:
        return HostUnknown(
            f"{self.name} ({self.address}) answers SSH, but: {what}",
            f"look at {self.name}'s load, disks and console, then run the same command again",
            self.attempt,
        )


def _connections(access: SshAccess) -> Connections:
    """One for a site: jump hosts are shared by all of its hosts."""
    with _LOCK:
        return _SITES.setdefault(access, Connections(access))


def close_shared(access: SshAccess) -> None:
    """End what the hosts of a site share: connections to jump hosts and agents."""
    with _LOCK:
        shared = _SITES.pop(access, None)
    if shared is not None:
        loop.call(shared.close())


async def _ran(
    connection: asyncssh.SSHClientConnection,
    command: str,
    stdin: str | Input,
    first: str,
    seconds: float,
) -> asyncssh.SSHCompletedProcess:
    async with asyncio.timeout(seconds):
        # without input its end is sent at once: no command waits for it
        given = {} if stdin else {"stdin": asyncssh.DEVNULL}
        process = await connection.create_process(command, encoding="utf-8", errors="replace", **given)
        # A command may end before it has read: its exit status is the answer then, as with ssh(1). Where
        # the connection broke there is no exit status. asyncssh's own `input` raises in both cases.
        with suppress(BrokenPipeError):
            try:
                if stdin:
                    process.stdin.write(first)
                    await _write(process, stdin)
            finally:
                if stdin:
                    process.stdin.write_eof()
        return await process.wait(check=False)


async def _write(process: asyncssh.SSHClientProcess[str], stdin: str | Input) -> None:
    """The input, each piece of it once it is there; no more of it when the command has ended."""
    if isinstance(stdin, str):
        process.stdin.write(stdin)
        return
    pieces, ended = stdin.pieces(), asyncio.ensure_future(process.wait_closed())
    try:
        while True:
            coming = asyncio.ensure_future(_next(pieces))
            # a server may keep the channel open for input although the command has ended
            while not (coming.done() or ended.done() or process.exit_status is not None):
                await asyncio.wait(
                    (coming, ended), timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            if not coming.done():
                coming.cancel()
                return
            if (piece := coming.result()) is None:
                return
            process.stdin.write(piece)
    finally:
        ended.cancel()


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


async def _aborted(connection: asyncssh.SSHClientConnection) -> None:
    proxy = connection.get_extra_info("proxy")
    connection.abort()
    if proxy is not None:
        proxy.close()


def wait_until_answers(host: SshHost, deadline_seconds: float, not_boot: str = "") -> str:
    """Wait until the host runs a command; returns its boot id, another than `not_boot` when given.

    Raises HostUnknown at the deadline, with the last reason; at once for another host key.
    """
    deadline = Deadline(deadline_seconds)

    def attempt() -> tuple[str, LoginRefused | None]:
        try:
            boot, refused = host.boot_id(min(60.0, max(1.0, deadline.left))), None
        except Silent:
            boot, refused = "", None
        except LoginRefused as error:
            boot, refused = "", error
        if boot in ("", not_boot):
            host.close()
            return "", refused
        return boot, None

    boot, refused = until(attempt, lambda one: one[0], deadline_seconds, (1.0,))
    if boot:
        return boot
    if refused is not None:
        raise refused
    raise Unknown(
        f"{host.name} ({host.address}) did not answer {host.way} within {deadline_seconds:.0f} s",
        "look at its console; then run the same command again",
    )
