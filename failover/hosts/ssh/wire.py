"""The way to a host's SSH port: a socket to it, through a jump host, or the two ends of a ProxyCommand."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncssh

from failover.deadline import async_until
from failover.hosts.ssh.settings import Settings

_RESOLVE_SECONDS = 20.0
_EXIT_SECONDS = 2.0
# Errors of this machine or of its network: they are no evidence about the host (connect(2), socket(2)).
LOCAL = {
    errno.EACCES: "this machine does not let the connection out (firewall, permission)",
    errno.EPERM: "this machine does not let the connection out (firewall, permission)",
    errno.ENETUNREACH: "this machine has no route to it",
    errno.ENETDOWN: "the network of this machine is down",
    errno.EADDRNOTAVAIL: "this machine has no address or port to connect from",
    errno.EAFNOSUPPORT: "this machine does not speak the address's protocol",
    errno.EINVAL: "this machine cannot connect to such an address",
    errno.EMFILE: "this process has no file descriptor left (ulimit -n)",
    errno.ENFILE: "this machine has no file descriptor left",
    errno.ENOMEM: "this machine has no memory left",
    errno.ENOBUFS: "this machine has no memory left",
    errno.EAGAIN: "this machine has no process or port left",
}


class LocalFault(Exception):
    """The operator's own machine, name service or jump host is at fault; the host was not reached at all."""


class NoAnswer(Exception):
    """The host's side did not take the connection."""


@dataclass
class Wire:
    """One end to speak SSH on. `command`: the ProxyCommand's process, when there is one."""

    sock: socket.socket
    command: subprocess.Popen[bytes] | None = None

    async def settle(self) -> None:
        """Wait until a ProxyCommand that has closed the connection can say with what it ended.

        A process closes its files first and has an exit code a moment later: judged in between, a command
        that cannot be run would be taken for a host that does not answer.
        """
        await async_until(self._has_ended, bool, _EXIT_SECONDS, (0.02,))

    async def _has_ended(self) -> bool:
        return self.command is None or self.command.poll() is not None

    def complaint(self) -> str:
        """What the ProxyCommand printed and ended with; empty while it runs."""
        if self.command is None or self.command.poll() is None:
            return ""
        text = self.command.stderr.read(2000).decode("utf-8", "replace") if self.command.stderr else ""
        message = " ".join(text.split())
        return f"the ProxyCommand ended with {self.command.returncode}{': ' + message if message else ''}"

    def close(self) -> None:
        """End the ProxyCommand; the socket is the connection's to close."""
        if self.command is None:
            return
        if self.command.poll() is None:
            self.command.terminate()
        if self.command.stderr:
            self.command.stderr.close()


async def direct(settings: Settings, seconds: float) -> Wire:
    """A TCP connection within `seconds`. Raises LocalFault, or NoAnswer."""
    return Wire(await connect(settings.hostname, settings.port, settings, seconds))


async def connect(host: str, port: int, settings: Settings, seconds: float) -> socket.socket:
    """A connected socket to a port of the host, trying each of its addresses. Raises LocalFault, NoAnswer."""
    errors: list[OSError] = []
    addresses = await _addresses(host, port, settings.family)
    try:
        async with asyncio.timeout(seconds):
            for family, kind, _, _, address in addresses:
                try:
                    return await _connected(family, kind, address, settings.bind_address)
                except OSError as error:
                    errors.append(error)
    except TimeoutError:
        raise NoAnswer(f"no answer within {seconds:g} s") from None
    raise _classified(errors)


async def _addresses(host: str, port: int, family: int) -> list[Any]:
    with suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            return await asyncio.get_running_loop().getaddrinfo(
                host, port, family=family, type=socket.SOCK_STREAM
            )
    except TimeoutError:
        raise LocalFault(f"the name service of this machine did not answer for {host}") from None
    except (socket.gaierror, UnicodeError) as error:
        raise LocalFault(f"the name {host} does not resolve on this machine ({error})") from error


async def _connected(family: int, kind: int, address: Any, bind: str | None) -> socket.socket:
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        if bind:
            made.bind((bind, 0))
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made


def _classified(errors: list[OSError]) -> Exception:
    """A host that any address of it leads to has been tried; only then it may count as not answering."""
    tried = [e for e in errors if e.errno not in LOCAL]
    if tried:
        return NoAnswer(os.strerror(tried[0].errno or 0).lower())
    if errors:
        return LocalFault(LOCAL[errors[0].errno or 0])
    return LocalFault("its name has no address")


def proxied(settings: Settings) -> Wire:
    """The ProxyCommand, run by the shell as ssh(1) runs it. Raises LocalFault when it cannot be started."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        try:
            command = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {settings.proxy_command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise LocalFault(f"the ProxyCommand could not be started: {error}") from error
    return Wire(ours, command)


async def through(jump: asyncssh.SSHClientConnection, host: str, port: int, seconds: float) -> None:
    """Whether the jump host gets a connection to this port. Raises NoAnswer."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await jump.open_connection(host, port)
            writer.close()
    except TimeoutError:
        raise NoAnswer(f"no answer within {seconds:g} s") from None
    except asyncssh.ChannelOpenError as error:
        raise NoAnswer(f"the jump host says: {error.reason}") from error
