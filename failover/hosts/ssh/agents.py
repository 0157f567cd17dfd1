"""The user's ssh agents (ssh-agent(1)), one connection to each, for all logins of a site."""

from __future__ import annotations

from typing import Any

import asyncssh

from failover.hosts.ssh.identity import Identity


class Agents:
    """Connections to agents by their sockets; used in the event loop only."""

    def __init__(self) -> None:
        self._clients: dict[str, asyncssh.SSHAgentClient] = {}

    async def keys(self, offered: Identity) -> list[Any]:
        """Every key to offer, as ssh(1) orders them: the agent's that a file names, its others, the files."""
        keys = list(await self._of(offered.agent)) if offered.agent else []
        named = [k for k in keys if bytes(k.public_data) in offered.public]
        others = [] if offered.identities_only else [k for k in keys if k not in named]
        held = {bytes(k.public_data) for k in named}
        return [*named, *others, *(k for k in offered.keys if bytes(k.public_data) not in held)]

    async def _of(self, path: str) -> Any:
        """The agent's keys. An agent that fails is passed over, as ssh(1) does."""
        try:
            if path not in self._clients:
                self._clients[path] = await asyncssh.connect_agent(path)
            return await self._clients[path].get_keys()
        except (OSError, ValueError, asyncssh.Error):
            self._clients.pop(path, None)
            return ()

    def close(self) -> None:
        """End the connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
