"""What a lab has to know to build a site, to write to it as a client, and to judge its hosts afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EXPECTED = Path(__file__).parent / "expected"
_HEAD = "== "
# built: before this project came. settled: adopted, and made as specified where it is. failover: the service
# is on nfs-srv-2. failback: it went home again. Of nfs-srv-1 alone: released, in a planned switchover, and
# returned from it; home, after its power had been cut.
MOMENTS = ("built", "settled", "failover", "failback", "released", "returned", "home")
BUILT, SETTLED, FAILOVER, FAILBACK, RELEASED, RETURNED, HOME = MOMENTS


@dataclass(frozen=True)
class SiteShape:
    """One site.

    volumes: names of the block volumes, attached in this order. server: the script in lab/guest/sites that
    builds nfs-srv-1 by plain commands; None: our stack attaches the volumes, make-server.sh builds on them.
    lines: the client's fstab, the first line is the writer's; `{server}` is how the client names the server.
    path: what the server serves to the writer; mount: where the client has it. filesystems: mount points on
    the server. groups: volume groups. storage: the stack's variable of that name; empty: the one that
    lab/site/stack.py has. by_address: clients name the server by its address.
    second_nic: that is the address of its second network card, in a subnet of its own.
    agent_login: the volumes' attachments leave the login to the cloud's agent.
    masked: the image of nfs-srv-1 is taken with its lines commented out; else while it serves, as it is.
    fstabs: the site whose hosts' fstabs this one has too, where that is another one.
    """

    name: str
    volumes: tuple[str, ...]
    server: str | None
    lines: tuple[str, ...]
    path: str
    mount: str
    filesystems: tuple[str, ...]
    groups: tuple[str, ...]
    storage: Mapping[str, Any]
    by_address: bool = False
    second_nic: bool = False
    agent_login: bool = False
    masked: bool = False
    fstabs: str = ""

    def mounts(self) -> list[tuple[str, str]]:
        """(path on the server, mount point on the client) of each of the client's lines."""
        fields = (line.split() for line in self.lines)
        return [(source.partition(":")[2], mount) for source, mount, *_ in fields]

    def expected(self) -> dict[tuple[str, str], str]:
        """What fstab has to be, byte for byte, by (moment, host).

        Raises ValueError for a moment that no drill has.
        """
        return parse((_EXPECTED / f"{self.fstabs or self.name}.fstabs").read_text())


def parse(text: str) -> dict[tuple[str, str], str]:
    """The file's sections: `== HOST MOMENT [MOMENT ...]`, then that host's fstab; before them, a comment.

    Raises ValueError for a moment that no drill has.
    """
    texts: dict[tuple[str, str], str] = {}
    for section in f"\n{text}".removesuffix("\n").split(f"\n{_HEAD}")[1:]:
        head, _, body = section.partition("\n")
        host, *moments = head.split()
        for moment in moments:
            if moment not in MOMENTS:
                raise ValueError(f"{head!r}: found moment {moment!r}, expected one of {', '.join(MOMENTS)}")
            # the line break before the next section belongs to this one
            texts[(moment, host)] = f"{body}\n" if "\n" in section else ""
    return texts
