"""Packs hooks/ into the zipapp that runs on every host: the same sources always give the same bytes."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import threading
import zipfile
from functools import cache
from pathlib import Path

from failover.atomic_file import write_whole
from failover.bundle import minify
from failover.paths import HOOKS
from hooks import unpack

_SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest time
_ONE_AT_A_TIME = threading.Lock()
_NOT_PACKED = {"__main__.py", "unpack.py"}  # what starts hooks, from a checkout and from the zipapp
# what only an operator asks for: not in the metadata of an instance, where bytes are scarce
OPERATORS = {
    "apart.py",
    "automaps.py",
    "canary.py",
    "canary_files.py",
    "client.py",
    "client_cut.py",
    "client_edit.py",
    "client_fstab.py",
    "client_judgement.py",
    "client_memo.py",
    "client_moves.py",
    "client_run.py",
    "client_spec.py",
    "client_view.py",
    "export_options.py",
    "firewalld.py",
    "kernel_log.py",
    "mount_tree.py",
    "mount_units.py",
    "pinned.py",
    "remark.py",
    "site_names.py",
    "survey.py",
    "survey_exports.py",
    "survey_host.py",
    "survey_lvm.py",
    "survey_mounts.py",
    "survey_nfs.py",
    "witness.py",
}


def hooks_bytes() -> bytes:
    """The zipapp: `python3 FILE check|apply|release|probe|refresh|survey ...`; Python 3.6 and later."""
    return _zipapp(frozenset(_NOT_PACKED))


def boot_bytes() -> bytes:
    """The zipapp that a new server takes over with by itself: without what only an operator sends."""
    return _zipapp(frozenset(_NOT_PACKED | OPERATORS))


def _zipapp(without: frozenset[str]) -> bytes:
    # CPython's ast.parse is not safe in two threads at once (python/cpython#106905), and hosts are asked so
    with _ONE_AT_A_TIME:
        return _packed(without)


@cache
def _packed(without: frozenset[str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        add(packed, "__main__.py", minify.shortened((HOOKS / "unpack.py").read_text()).encode())
        add(packed, unpack.PAYLOAD, _payload(without))
    return _SHEBANG + archive.getvalue()


def hooks_sha256() -> str:
    """The zipapp's SHA-256, in hexadecimal."""
    return hashlib.sha256(hooks_bytes()).hexdigest()


def build_hooks(dest: Path) -> Path:
    """Write the zipapp to `dest` (a file, or a directory that gets hooks.pyz); gives the file's path."""
    path = dest / "hooks.pyz" if dest.is_dir() else dest
    write_whole(path, hooks_bytes(), 0o755)
    return path


def packed_sources(without: frozenset[str] = frozenset(_NOT_PACKED)) -> dict[str, str]:
    """Every module's source by the module's name, as it is packed."""
    names = sorted(source.name for source in HOOKS.glob("*.py") if source.name not in without)
    return {_module(name): minify.shortened((HOOKS / name).read_text()) for name in names}


def _payload(without: frozenset[str]) -> bytes:
    """Every module's shortened source by name, in one stream."""
    text = json.dumps(packed_sources(without), ensure_ascii=True, separators=(",", ":"))
    return bz2.compress(text.encode(), 9)  # of text this small it leaves less than LZMA does


def _module(name: str) -> str:
    return "hooks" if name == "__init__.py" else "hooks." + name[: -len(".py")]


def add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add one file. Nothing of this machine goes in: no time, no owner, no mode but the fixed one."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    kind = zipfile.ZIP_STORED if name == unpack.PAYLOAD else zipfile.ZIP_DEFLATED
    packed.writestr(entry, content, kind, compresslevel=9)
