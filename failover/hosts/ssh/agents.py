"""The user's ssh agents (ssh-agent(1)), one connection to each, for all logins of a site.

An agent may be slow (a token that is touched for each signature) or stuck (forwarded from a laptop that
sleeps now). Neither says anything about a host.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import asyncssh

from failover.hosts.ssh.identity import Identity

# In which an agent answers one of those who ask; to sign it may want a touch, or a word, of its user.
_LIST_SECONDS, _SIGN_SECONDS = 5.0, 15.0
Waiting = Callable[[], AbstractContextManager[None]]


class AgentStuck(Exception):
    """An agent takes questions and answers none; it is not asked again."""


class Agents:
    """Connections to agents by their sockets; used in the event loop only."""

    def __init__(self) -> None:
        self._agents: dict[str, _Agent] = {}

    async def keys(self, offered: Identity, waiting: Waiting) -> list[Any]:
        """Every key to offer, as ssh(1) orders them: the agent's that a file names, its others, the files.

        `waiting`: is held while the agent is waited for. A login with the agent's key may raise AgentStuck.
        """
        keys = list(await self._of(offered.agent, waiting)) if offered.agent else []
        named = [k for k in keys if bytes(k.public_data) in offered.public]
        others = [] if offered.identities_only else [k for k in keys if k not in named]
        held = {bytes(k.public_data) for k in named}
        return [*named, *others, *(k for k in offered.keys if bytes(k.public_data) not in held)]

    async def _of(self, path: str, waiting: Waiting) -> list[Any]:
        """The agent's keys. One that fails is passed over, as ssh(1) does, and so is one that is stuck."""
        agent = self._agents.setdefault(path, _Agent(path))
        try:
            with waiting():
                keys = list(await agent.answer(agent.client.get_keys(), _LIST_SECONDS))
        except (OSError, ValueError, asyncssh.Error, AgentStuck):
            return []
        for key in keys:
            key.sign_async = _signing(agent, key.sign_async, waiting)
        return keys

    def stuck(self, path: str | None) -> bool:
        """Whether this agent was given up."""
        return bool(path in self._agents and self._agents[path].is_stuck) if path else False

    def close(self) -> None:
        """End the connections."""
        for agent in self._agents.values():
            agent.client.close()
        self._agents.clear()


class _Agent:
    """One agent. It answers one question at a time."""

    def __init__(self, path: str) -> None:
        self.client = asyncssh.SSHAgentClient(path)
        self._path = path
        self._waiting: list[float] = []  # for how long each who asks would wait for anybody's answer
        self._moved = 0.0
        self.is_stuck = False

    async def answer(self, question: Awaitable[Any], seconds: float) -> Any:
        """The answer, in its turn; `seconds`: how long this question takes at most.

        Raises AgentStuck, and what the agent's protocol raises.
        """
        # Not cancelled with its login: the rest of its answer would be read as the next one's.
        task = asyncio.ensure_future(question)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # read, also for nobody
        if not self._waiting:
            self._moved = time.monotonic()
        self._waiting.append(seconds)
        try:
            while not task.done():
                left = self._moved + max(self._waiting) - time.monotonic()
                if self.is_stuck or left <= 0:
                    self.is_stuck = True
                    task.cancel()
                    raise AgentStuck(f"the ssh agent at {self._path} does not answer")
                await asyncio.wait({task}, timeout=left)
            self._moved = time.monotonic()
            return task.result()
        finally:
            self._waiting.remove(seconds)


def _signing(
    agent: _Agent, sign: Callable[[bytes], Awaitable[bytes]], waiting: Waiting
) -> Callable[[bytes], Awaitable[bytes]]:
    async def signed(data: bytes) -> bytes:
        with waiting():
            signature: bytes = await agent.answer(sign(data), _SIGN_SECONDS)
            return signature

    return signed
