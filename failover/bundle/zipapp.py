"""Packs hooks/ into the zipapp that runs on every host, and the loader of it that cloud-init carries.

The same sources always give the same bytes.
"""

from __future__ import annotations

import ast
import bz2
import hashlib
import io
import json
import threading
import zipfile
from functools import cache
from pathlib import Path

from failover.atomic_file import write_whole
from failover.bundle import minify, syntax
from failover.bundle.kept import kept
from failover.bundle.reachable import reached
from failover.paths import HOOKS
from hooks import zipapp_main

_SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest time
_ONE_AT_A_TIME = threading.Lock()
_STARTERS = {"__main__.py", "zipapp_main.py"}  # what starts hooks, from a checkout and from the zipapp
_CLI = "hooks.cli"
_LOADER = "hooks.boot.load"


def hooks_bytes() -> bytes:
    """The zipapp: `python3 FILE check|apply|release|probe|refresh|survey ...`; Python 3.6 and later."""
    return _zipapp(_CLI)


def loader_bytes() -> bytes:
    """The zipapp that a new server starts with: `python3 FILE SHA256`, and the modules that this needs."""
    return _zipapp(_LOADER)


def _zipapp(entry: str) -> bytes:
    with _ONE_AT_A_TIME:
        return _once(entry)


@cache
def _once(entry: str) -> bytes:
    return kept(entry, lambda: packed(entry))


def packed(entry: str) -> bytes:
    """The zipapp that starts with this module, packed now: `hooks.cli`, or the loader `hooks.boot.load`."""
    sources = packed_sources()
    if entry != _CLI:  # without what it does not come to, other modules are not needed either
        sources = needed(reached(needed(sources, entry), entry), entry)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        add(opened, "__main__.py", minify.shortened((HOOKS / "zipapp_main.py").read_text()).encode())
        add(opened, zipapp_main.ENTRY, entry.encode())
        add(opened, zipapp_main.PAYLOAD, _payload(sources))
    return _SHEBANG + archive.getvalue()


@cache
def hooks_sha256() -> str:
    """The zipapp's SHA-256, in hexadecimal."""
    return hashlib.sha256(hooks_bytes()).hexdigest()


def build_hooks(dest: Path) -> Path:
    """Write the zipapp to `dest` (a file, or a directory that gets hooks.pyz); gives the file's path."""
    path = dest / "hooks.pyz" if dest.is_dir() else dest
    write_whole(path, hooks_bytes(), 0o755)
    return path


@cache
def packed_sources() -> dict[str, str]:
    """Every module's source by the module's name, as it is packed; the same one each time: change it not."""
    names = sorted(source.relative_to(HOOKS) for source in HOOKS.rglob("*.py"))
    return {
        _module(name): minify.shortened((HOOKS / name).read_text())
        for name in names
        if name.as_posix() not in _STARTERS
    }


def needed(sources: dict[str, str], entry: str) -> dict[str, str]:
    """Of these modules the one, all that it imports, wherever in its text, and their packages."""
    names: set[str] = set()
    left = [entry]
    while left:
        name = left.pop()
        if name in sources and name not in names:
            names.add(name)
            left += [name.rpartition(".")[0], *_imported(sources[name])]
    return {name: source for name, source in sources.items() if name in names}


def _imported(source: str) -> list[str]:
    """Names of which some are modules: `from PACKAGE import MODULE`, `from MODULE import Name`."""
    statements = [node for node in ast.walk(syntax.parse(source)) if isinstance(node, ast.ImportFrom)]
    froms = [str(node.module) for node in statements]
    return froms + [f"{node.module}.{alias.name}" for node in statements for alias in node.names]


def _payload(sources: dict[str, str]) -> bytes:
    """Every module's shortened source by name, in one stream."""
    text = json.dumps(sources, ensure_ascii=True, separators=(",", ":"))
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
