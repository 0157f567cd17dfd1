"""The zipapp's __main__: imports hooks from one compressed text, and runs the module that ENTRY names.

A zip of many small files would not fit into an instance's metadata; compressed as one they do.
"""

import bz2
import json
import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Optional, Sequence

PAYLOAD = "hooks.bz2"
ENTRY = "entry"  # a module with main(argv) that gives the exit code


class Unpacked:
    """Finds and runs modules whose sources are held by name.

    It has the methods of importlib.abc's finder and loader, but not the bases: importing those takes a tenth
    of the time in which the hooks start.
    """

    def __init__(self, sources: Dict[str, str]) -> None:
        self._sources = sources

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if name not in self._sources:
            return None
        loader: Any = self
        package = any(module.startswith(name + ".") for module in self._sources)
        return ModuleSpec(name, loader, origin="hooks.pyz/" + name, is_package=package)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._sources[module.__name__], "hooks.pyz/" + module.__name__, "exec")
        exec(code, module.__dict__)  # noqa: S102 - our own sources, as zipimport would


def unpack(payload: bytes) -> None:
    """Makes the modules in this payload importable."""
    sys.meta_path.insert(0, Unpacked(json.loads(bz2.decompress(payload).decode())))


if __name__ == "__main__":
    packed = globals()["__loader__"]
    ARCHIVE = os.path.abspath(packed.archive)  # before anybody changes the working directory
    unpack(packed.get_data(PAYLOAD))
    sys.exit(import_module(packed.get_data(ENTRY).decode()).main(sys.argv[1:]))
