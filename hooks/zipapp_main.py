"""The zipapp's __main__: imports hooks from one compressed text, and runs the module that ENTRY names.

A zip of many small files would not fit into an instance's metadata; compressed as one they do. What was
compiled is kept in /run, where root alone writes and which ends with the boot: half of a start is to compile.
"""

import hashlib
import json
import marshal
import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Optional, Sequence, Tuple

PAYLOAD = "hooks.bz2"
ENTRY = "entry"  # a module with main(argv) that gives the exit code
KEPT = "/run/nfs-failover-{}-{:x}.bytecode"


class Unpacked:
    """Finds and runs modules of a payload; `kept`: the file for what was compiled.

    It has the methods of importlib.abc's finder and loader, but not the bases: importing those takes a tenth
    of the time in which the hooks start.
    """

    def __init__(self, payload: bytes, kept: str) -> None:
        self._payload = payload
        self._kept = kept
        self._sources: Dict[str, str] = {}
        self._codes = _read(kept)

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if name.partition(".")[0] != "hooks" or not (name in self._codes or self._compiled(name)):
            return None
        loader: Any = self
        return ModuleSpec(name, loader, origin="hooks.pyz/" + name, is_package=self._codes[name][0])

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = marshal.loads(self._codes[module.__name__][1])  # noqa: S302 - of this very payload
        exec(code, module.__dict__)  # noqa: S102 - our own sources, as zipimport would

    def _compiled(self, name: str) -> bool:
        if not self._sources:
            import bz2  # noqa: PLC0415 - a start with kept bytecode does without it

            self._sources = json.loads(bz2.decompress(self._payload).decode())
        if name in self._sources:
            code = compile(self._sources[name], "hooks.pyz/" + name, "exec")
            package = any(module.startswith(name + ".") for module in self._sources)
            self._codes[name] = (package, marshal.dumps(code))
        return name in self._sources

    def keep(self) -> None:
        """Keeps what was compiled for the next start, as a whole or not at all. Never raises for the file."""
        if self._sources and not os.geteuid():
            beside = "{}.{}".format(self._kept, os.getpid())
            try:
                with open(beside, "wb") as file:
                    file.write(marshal.dumps(self._codes))
                os.rename(beside, self._kept)
            except OSError:  # a full or read-only /run: the next start compiles
                pass


def _read(kept: str) -> Dict[str, Tuple[bool, bytes]]:
    """By module, is it a package, and its code, marshalled; empty where root has kept none."""
    try:
        with open(kept, "rb") as file:
            return {} if os.fstat(file.fileno()).st_uid else dict(marshal.load(file))  # noqa: S302 - root wrote it
    except (OSError, EOFError, ValueError, TypeError):
        return {}


def unpack(payload: bytes) -> Unpacked:
    """Makes the modules in this payload importable, by this Python's own bytecode of it."""
    unpacked = Unpacked(payload, KEPT.format(hashlib.sha256(payload).hexdigest()[:16], sys.hexversion))
    sys.meta_path.insert(0, unpacked)
    return unpacked


if __name__ == "__main__":
    packed = globals()["__loader__"]
    ARCHIVE = os.path.abspath(packed.archive)  # before anybody changes the working directory
    modules = unpack(packed.get_data(PAYLOAD))
    code = import_module(packed.get_data(ENTRY).decode()).main(sys.argv[1:])
    modules.keep()
    sys.exit(code)
