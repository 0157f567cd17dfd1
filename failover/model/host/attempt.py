"""What came of trying to reach a host, as a value: the evidence that a plan, a report and a person see."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Attempt:
    """One try to log in to `host`.

    `way`: "directly", or through which jump host or command. `keys`: what was offered. `result`: what came
    back, for a person. `answered`: SSH's banner came back. `alive`: another sign of life ("port 22 accepts
    connections"), empty when there is none. `source`: the machine that tried.
    """

    host: str
    address: str
    port: int
    user: str
    way: str
    keys: tuple[str, ...]
    result: str
    answered: bool = False
    alive: str = ""
    source: str = field(default_factory=socket.gethostname)

    @property
    def line(self) -> str:
        """The attempt in one line, for a person."""
        keys = f", key {' or '.join(self.keys)}" if self.keys else ", without a key"
        login = f"ssh {self.user}@{self.address} port {self.port} {self.way}{keys}"
        return f"from {self.source}: {login}: {self.result}"
