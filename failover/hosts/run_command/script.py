"""A call of the hooks as commands of OCI's agent: a script of 4 KB, an answer in pieces of 1 KB. Pure."""

from __future__ import annotations

import base64
import json
import re
import shlex
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from failover.bundle import zipapp
from failover.bundle.minify import shortened
from failover.model.outcome import Refused, Unknown
from failover.paths import ROOT

MOST_BYTES = 4096  # of a command's text (OCI, Running Commands on an Instance)
# EL8 has no python3 on the PATH by default, but always its platform-python. The spec is in the text that
# Python reads, and so in no command line.
_SCRIPT = """#!/bin/sh
exec sudo -n "$(command -v python3 || echo /usr/libexec/platform-python)" - <<'E'
import base64,json,sys,zlib
u=lambda t:zlib.decompress(base64.b85decode(t)).decode()
exec(u('{code}'))
sys.exit(main(json.loads(u('{given}'))))
E
"""
_PIECE = re.compile(r"nfs-failover-answer (\d{1,6}) (\S*)")
NO_SUDO = "the agent's user needs `ocarun ALL=(ALL) NOPASSWD:ALL` in a file of /etc/sudoers.d on the client"


@dataclass(frozen=True)
class HooksSource:
    """Where a client gets the hooks: `exports`, HOST:PATH, with the data; `url`, empty for none."""

    exports: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Piece:
    """A part of the packed answer. `total`: characters of the whole."""

    total: int
    text: str


def begin(
    name: str, run: str, action: str, more: Sequence[str], spec: str, seconds: float, source: HooksSource
) -> str:
    """The command that begins a run of the hooks, waits so long for its end, and gives the first piece.

    Raises Refused when it does not fit.
    """
    given = {
        **_further(run, 0, seconds),
        "action": action,
        "more": list(more),
        "spec": spec,
        "sha256": zipapp.hooks_sha256(),
        "exports": list(source.exports),
        "url": source.url,
    }
    text = _text(given)
    if len(text.encode()) > MOST_BYTES:
        raise Refused(
            f"{name}: its command would have {len(text.encode())} bytes, and OCI takes {MOST_BYTES}: too "
            "many, or too long, names of servers, exports and mounts",
            'set `transport = "ssh"` for this client, or give it fewer mounts in the site',
        )
    return text


def further(run: str, offset: int, seconds: float) -> str:
    """The command that waits so long for the end of a run that was begun, and gives the piece from there."""
    return _text(_further(run, offset, seconds))


def plain(argv: Sequence[str]) -> str:
    """The command that runs argv."""
    return f"#!/bin/sh\nexec {shlex.join(argv)}\n"


def piece(name: str, out: str) -> Piece:
    """The piece in what the command printed. Raises Unknown."""
    match = None
    for match in _PIECE.finditer(out):  # noqa: B007 (the last one: sudo and profiles print before it)
        pass
    if match is None:
        shown = " ".join(out.split())[-300:] or "nothing"
        raise Unknown(f"{name}: its agent's command gave no answer of ours, but: {shown}", NO_SUDO)
    return Piece(int(match[1]), match[2])


def answer(name: str, packed: str) -> dict[str, Any]:
    """The whole answer: `code` and `result` of the hooks, or `error`, or `running`. Raises Unknown."""
    try:
        document: dict[str, Any] = dict(json.loads(_unpacked(packed)))
    except (ValueError, TypeError, zlib.error) as error:
        raise Unknown(
            f"{name}: its agent's answer cannot be read ({error}): {packed[:80]!r}",
            "run the same command again",
        ) from error
    return document


def _further(run: str, offset: int, seconds: float) -> dict[str, Any]:
    return {"id": run, "offset": offset, "seconds": round(seconds, 1)}


def _text(given: dict[str, Any]) -> str:
    return _SCRIPT.format(code=_started(), given=_packed(json.dumps(given, separators=(",", ":"))))


def _packed(text: str) -> str:
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def _unpacked(packed: str) -> bytes:
    return zlib.decompress(base64.b85decode(packed))


@cache
def _started() -> str:
    return _packed(shortened((ROOT / "hooks" / "agent" / "started.py").read_text(encoding="utf-8")))
