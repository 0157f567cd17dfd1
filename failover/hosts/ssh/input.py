"""The input of a command that runs already, in pieces that other threads add."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from failover.hosts.ssh import loop


class Input:
    """Pieces of text, added in any thread, and read in the event loop: by a second command from the start."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._ended = False
        self._news = asyncio.Event()

    def add(self, piece: str) -> None:
        """One more piece."""
        loop.spawn(self._added([piece], ended=False))

    def end(self, *pieces: str) -> None:
        """These are the last ones."""
        loop.spawn(self._added(list(pieces), ended=True))

    async def _added(self, pieces: list[str], *, ended: bool) -> None:
        self._pieces += pieces
        self._ended = self._ended or ended
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def pieces(self) -> AsyncIterator[str]:
        """Each piece when it is there, until the end."""
        given = 0
        while True:
            for piece in self._pieces[given:]:
                given += 1
                yield piece
            if self._ended and given == len(self._pieces):
                return
            if given == len(self._pieces):
                await self._news.wait()
