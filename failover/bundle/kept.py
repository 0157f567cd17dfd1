"""Packed zipapps, kept in .venv: packing takes a second of processor time, and its result is always the same.

A kept one is used when it is of exactly these sources, this packer and this Python. What lies in .venv runs
as the operator anyway; with it goes what is kept.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from failover.atomic_file import write_whole
from failover.paths import HOOKS, ROOT

HOME = ROOT / ".venv"
_PACKER = Path(__file__).parent


def kept(entry: str, pack: Callable[[], bytes]) -> bytes:
    """The zipapp that starts with the module `entry`: the kept one, or `pack`'s, which is then kept.

    Nothing is kept where there is no .venv, or it cannot be written to. A file that was damaged is not used.
    """
    file = HOME / "packed" / f"{entry}.pyz"
    of = _sources()
    with suppress(OSError, ValueError):
        head, content = file.read_bytes().split(b"\n", 1)
        if head == _head(of, content):
            return content
    content = pack()
    if HOME.is_dir():
        with suppress(OSError):
            write_whole(file, _head(of, content) + b"\n" + content)
    return content


def _head(of: str, content: bytes) -> bytes:
    """The first line of a file: what it was packed from, and what it has to be."""
    return f"{of} {hashlib.sha256(content).hexdigest()}".encode()


def _sources() -> str:
    """The SHA-256 of all that decides about a zipapp's bytes: hooks/, the packer's modules, this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in (HOOKS, _PACKER):
        for source in sorted(folder.rglob("*.py")):
            content = source.read_bytes()
            digest.update(f"\0{source.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
