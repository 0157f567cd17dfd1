"""Opens a connection to a host, or says which kind of failure prevented it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh

from failover.hosts.ssh import failure, identity, settings, trust, wire
from failover.hosts.ssh.agents import Agents, AgentStuck
from failover.hosts.ssh.errors import HostUnknown, Silent
from failover.hosts.ssh.settings import Settings
from failover.model.host.attempt import Attempt
from failover.model.outcome import Unknown
from failover.model.site import SshAccess


class _Watcher(asyncssh.SSHClient):
    """Keeps the connection, so that what came back is known also when the login failed."""

    connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    @property
    def answered(self) -> bool:
        """The SSH banner of the host came back."""
        return bool(self.connection and self.connection.get_extra_info("server_version"))


@dataclass(frozen=True)
class Route:
    """Everything that a login needs: the host's settings, its identity, and the jump hosts on the way."""

    settings: Settings
    identity: identity.Identity
    jumps: tuple[Route, ...] = ()

    @staticmethod
    def to(address: str, access: SshAccess) -> Route:
        """The route to a host of the site. Raises Usage for settings or keys that cannot be used."""
        host_settings = settings.resolve(address, access)
        jumps = tuple(Route._jump(name, access) for name in host_settings.jumps)
        return Route(host_settings, identity.of(host_settings, _absolute(access.identity_file)), jumps)

    @staticmethod
    def _jump(name: str, access: SshAccess) -> Route:
        host_settings = settings.resolve(name, access, jump=True)
        return Route(host_settings, identity.of(host_settings, None))


def _absolute(file: Path | None) -> Path | None:
    return file.expanduser() if file else None


class Connections:
    """Opens connections of one site. Jump hosts are logged in to once, and shared."""

    def __init__(self, access: SshAccess) -> None:
        self._access = access
        self._agents = Agents()
        self._jumps: dict[tuple[Settings, ...], asyncio.Task[asyncssh.SSHClientConnection]] = {}

    async def open(self, name: str, route: Route, pinned: tuple[str, ...]) -> asyncssh.SSHClientConnection:
        """A connection to the host `name`. `pinned` keys, when there are any, replace known_hosts for it.

        Raises Silent, LoginRefused or HostUnknown, each with its Attempt.
        """
        known = (
            trust.pinned(route.settings.hostname, pinned)
            if pinned
            else trust.known(route.settings.known_hosts)
        )
        return await self._opened(name, route, known, await self._tunnel(route, name))

    async def probe(self, route: Route, port: int, seconds: float) -> bool:
        """Whether a TCP port of the host accepts a connection. Through a ProxyCommand it cannot be known."""
        try:
            if jump := await self._tunnel(route, route.settings.name):
                await wire.through(jump, route.settings.hostname, port, seconds)
            elif route.settings.proxy_command:
                return False
            else:
                (await wire.connect(route.settings.hostname, port, route.settings, seconds)).close()
        except (wire.NoAnswer, wire.LocalFault, Unknown):
            return False
        return True

    async def close(self) -> None:
        """End the connections to jump hosts."""
        for task in self._jumps.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().abort()
            else:
                task.cancel()
        self._jumps.clear()
        self._agents.close()

    async def _tunnel(self, route: Route, name: str) -> asyncssh.SSHClientConnection | None:
        if not route.jumps:
            return None
        key = tuple(jump.settings for jump in route.jumps)
        task = self._jumps.get(key)
        if task is None or (
            task.done() and (task.cancelled() or task.exception() or task.result().is_closed())
        ):
            task = asyncio.ensure_future(self._chain(route.jumps))
            self._jumps[key] = task
        try:
            return await asyncio.shield(task)
        except (Silent, HostUnknown) as error:
            attempt = _attempt(name, route, f"its jump host was not passed: {error}")
            raise HostUnknown(
                f"{name}: the way {route.settings.way} was not passed: {error}",
                "make `ssh` to the jump host work, then try again",
                attempt,
            ) from error

    async def _chain(self, jumps: tuple[Route, ...]) -> asyncssh.SSHClientConnection:
        tunnel: Any = None
        for jump in jumps:
            known = trust.known(jump.settings.known_hosts)
            tunnel = await self._opened(jump.settings.name, jump, known, tunnel)
        return tunnel

    async def _opened(self, name: str, route: Route, known: Any, tunnel: Any) -> asyncssh.SSHClientConnection:
        try:
            return await self._tried(name, route, known, tunnel)
        except AgentStuck:  # our own fault, and of no more use: once more with the keys of files alone
            return await self._tried(name, route, known, tunnel)

    async def _tried(self, name: str, route: Route, known: Any, tunnel: Any) -> asyncssh.SSHClientConnection:
        attempt = _attempt(name, route, "")
        try:
            line = await self._wire(route.settings, tunnel)
        except wire.LocalFault as error:
            raise HostUnknown(
                f"{name} ({attempt.address}) was not tried: {error}",
                "mend this machine, its network or its name service; this says nothing about the host",
                replace(attempt, result=f"not tried: {error}"),
            ) from error
        except wire.NoAnswer as error:
            raise Silent(
                f"{name} ({attempt.address}): {error}", replace(attempt, result=str(error))
            ) from error
        return await self._login(name, route, known, tunnel, line, attempt)

    async def _wire(self, host_settings: Settings, tunnel: Any) -> wire.Wire | None:
        if tunnel is not None:
            await wire.through(
                tunnel, host_settings.hostname, host_settings.port, self._access.connect_seconds
            )
            return None
        if host_settings.proxy_command:
            return wire.proxied(host_settings)
        return await wire.direct(host_settings, self._access.connect_seconds)

    async def _login(
        self, name: str, route: Route, known: Any, tunnel: Any, line: wire.Wire | None, attempt: Attempt
    ) -> asyncssh.SSHClientConnection:
        watcher, patience = _Watcher(), _Patience()
        options = _options(route, known, watcher, await self._agents.keys(route.identity, patience.paused))
        if self._agents.stuck(route.identity.agent):
            names = (f"{n} (it does not answer)" if n == identity.AGENT else n for n in attempt.keys)
            attempt = replace(attempt, keys=tuple(names))
        where = {"sock": line.sock} if line else {"tunnel": tunnel}
        try:
            async with asyncio.timeout(failure.LOGIN_SECONDS) as deadline:
                patience.deadline = deadline
                task = asyncio.ensure_future(
                    asyncssh.connect(route.settings.hostname, route.settings.port, **where, **options)
                )
                try:
                    await self._first_answer(route, task, watcher)
                    connection = await task
                finally:
                    task.cancel()
        except (Exception, asyncio.CancelledError) as error:
            late = deadline.expired() or isinstance(error, TimeoutError)
            if isinstance(error, AgentStuck) or (isinstance(error, asyncio.CancelledError) and not late):
                if line:
                    line.close()
                    line.sock.close()
                raise  # nothing about the host: the user's agent, or the caller was interrupted
            if line and not late and not watcher.answered:
                await line.settle()
            login = failure.Login(name, route.settings, attempt, watcher.answered, late, line)
            failed = failure.classified(login, known, error)
            if line:
                line.close()
                line.sock.close()
            raise failed from error
        if line and line.command:
            connection.set_extra_info(proxy=line)
        return connection

    async def _first_answer(self, route: Route, task: asyncio.Task[Any], watcher: _Watcher) -> None:
        """Through a ProxyCommand the first byte is what an accepted connection is otherwise."""
        if not route.settings.proxy_command or route.jumps:
            return
        await asyncio.wait({task}, timeout=self._access.connect_seconds)
        if not task.done() and not watcher.answered:
            raise TimeoutError


class _Patience:
    """A login's deadline, which counts what the host takes, not what the user's agent does."""

    def __init__(self) -> None:
        self.deadline: asyncio.Timeout | None = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The deadline is as far away afterwards as before."""
        clock, deadline = asyncio.get_running_loop().time, self.deadline
        when = deadline.when() if deadline else None
        if deadline is None or when is None:
            yield
            return
        left = when - clock()
        try:
            with suppress(RuntimeError):  # it is over already
                deadline.reschedule(None)
            yield
        finally:
            with suppress(RuntimeError):
                deadline.reschedule(clock() + left)


def _attempt(name: str, route: Route, result: str) -> Attempt:
    host_settings = route.settings
    return Attempt(
        name,
        host_settings.hostname,
        host_settings.port,
        host_settings.user,
        host_settings.way,
        route.identity.names,
        result,
    )


def _options(route: Route, known: Any, watcher: _Watcher, keys: list[Any]) -> dict[str, Any]:
    host_settings = route.settings
    return {
        "config": None,
        "known_hosts": known,
        "host_key_alias": host_settings.host_key_alias,
        "username": host_settings.user,
        "client_keys": keys or None,
        "client_certs": list(route.identity.certificates),
        "agent_path": None,
        "preferred_auth": "publickey",
        "login_timeout": None,
        "keepalive_interval": host_settings.alive_interval or None,
        "client_factory": lambda: watcher,
        "x509_trusted_certs": None,
    }
