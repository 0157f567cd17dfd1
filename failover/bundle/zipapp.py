"""Packs hooks/ into the zipapp that runs on every host: the same sources always give the same bytes."""

from __future__ import annotations

import bz2
import gc
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from failover.atomic_file import write_whole
from failover.bundle import minify
from failover.paths import HOOKS
from hooks import zipapp_main

_SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest time
_ONE_AT_A_TIME = threading.Lock()
_STARTERS = {"__main__.py", "zipapp_main.py"}  # what starts hooks, from a checkout and from the zipapp
# what only an operator asks for, folders and files: not in an instance's metadata, where bytes are scarce
OPERATORS = {"client", "hints", "probe", "survey", "contract/client_spec.py"}


def hooks_bytes() -> bytes:
    """The zipapp: `python3 FILE check|apply|release|probe|refresh|survey ...`; Python 3.6 and later."""
    return _zipapp(frozenset(_STARTERS))


def boot_bytes() -> bytes:
    """The zipapp that a new server takes over with by itself: without what only an operator sends."""
    return _zipapp(frozenset(_STARTERS | OPERATORS))


def _zipapp(without: frozenset[str]) -> bytes:
    with _ONE_AT_A_TIME, _without_garbage_collection():
        return _packed(without)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """CPython's ast.parse fails when another one begins before it ends (python/cpython#106905).

    That other one may be in another thread, or in a finalizer that formats a traceback (3.11 and later).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def _packed(without: frozenset[str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        add(packed, "__main__.py", minify.shortened((HOOKS / "zipapp_main.py").read_text()).encode())
        add(packed, zipapp_main.PAYLOAD, _payload(without))
    return _SHEBANG + archive.getvalue()


def hooks_sha256() -> str:
    """The zipapp's SHA-256, in hexadecimal."""
    return hashlib.sha256(hooks_bytes()).hexdigest()


def build_hooks(dest: Path) -> Path:
    """Write the zipapp to `dest` (a file, or a directory that gets hooks.pyz); gives the file's path."""
    path = dest / "hooks.pyz" if dest.is_dir() else dest
    write_whole(path, hooks_bytes(), 0o755)
    return path


def packed_sources(without: frozenset[str] = frozenset(_STARTERS)) -> dict[str, str]:
    """Every module's source by the module's name, as it is packed. `without`: folders and files of hooks/."""
    found = sorted(source.relative_to(HOOKS) for source in HOOKS.rglob("*.py"))
    names = [name for name in found if not {name.parts[0], name.as_posix()} & without]
    return {_module(name): minify.shortened((HOOKS / name).read_text()) for name in names}


def _payload(without: frozenset[str]) -> bytes:
    """Every module's shortened source by name, in one stream."""
    text = json.dumps(packed_sources(without), ensure_ascii=True, separators=(",", ":"))
    return bz2.compress(text.encode(), 9)  # of text this small it leaves less than LZMA does


def _module(name: Path) -> str:
    folders = name.parent.parts if name.name == "__init__.py" else name.with_suffix("").parts
    return ".".join(("hooks", *folders))


def add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add one file. Nothing of this machine goes in: no time, no owner, no mode but the fixed one."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    kind = zipfile.ZIP_STORED if name == zipapp_main.PAYLOAD else zipfile.ZIP_DEFLATED
    packed.writestr(entry, content, kind, compresslevel=9)
