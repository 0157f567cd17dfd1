"""An SSH server on the loopback interface for tests: real protocol, real keys, and the faults of hosts."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

# a ProxyCommand: RELAY HOST PORT
RELAY = """\
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(65536):
    os.write(1, data)
"""
BANNER = "Welcome to this host!\nThu 26 Nov 2026 14:58:01\n"


@dataclass
class Behaviour:
    """What the server does beside serving. `noise`: printed before each command, as a .bashrc does.

    `hangs`: "session" (never opens the channel) or "command" (never ends). `reads`: a command gets its input.
    """

    noise: str = ""
    reads: bool = True
    hangs: str = ""
    logins: int = 0
    commands: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


class _Server(asyncssh.SSHServer):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def auth_completed(self) -> None:
        self._behaviour.logins += 1

    def session_requested(self) -> bool:
        if self._behaviour.hangs == "session":
            self._behaviour.ended.wait(60)  # the whole server stands still
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True  # a jump host


@dataclass
class Sshd:
    """A running server. `line`: its known_hosts entry."""

    port: int
    behaviour: Behaviour
    key: asyncssh.SSHKey
    loop: asyncio.AbstractEventLoop

    def line(self, host: str = "127.0.0.1") -> str:
        public = self.key.export_public_key().decode().strip()
        name = host if self.port == 22 else f"[{host}]:{self.port}"
        return f"{name} {' '.join(public.split()[:2])}\n"


async def _at_once(act: Any, *given: Any, **named: Any) -> Any:
    return act(*given, **named)


@contextmanager
def sshd(authorized: Path | None, behaviour: Behaviour | None = None, **options: Any) -> Iterator[Sshd]:
    """Serve on a free port of 127.0.0.1 until the block ends; keys in the file `authorized` may log in."""
    chosen, key = behaviour or Behaviour(), asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def work(process: asyncssh.SSHServerProcess[str]) -> None:
        chosen.commands.append(process.command or "")
        if chosen.hangs == "command":
            await asyncio.sleep(3600)
        text = await process.stdin.read() if chosen.reads else ""
        process.stdout.write(chosen.noise)
        command = ["sh", "-c", process.command or ""]
        # without a thread the command's end is in the same packet as the channel's beginning
        run = asyncio.to_thread if chosen.reads else _at_once
        done = await run(subprocess.run, command, input=text, capture_output=True, text=True)
        process.stdout.write(done.stdout)
        process.stderr.write(done.stderr)
        process.exit(done.returncode)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(chosen),
            server_host_keys=[key],
            authorized_client_keys=str(authorized) if authorized else None,
            # with a factory of processes, session_requested is not called
            process_factory=None if chosen.hangs == "session" else work,
            **options,
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    try:
        yield Sshd(acceptor.get_port(), chosen, key, loop)
    finally:
        chosen.ended.set()

        async def stop() -> None:
            acceptor.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
