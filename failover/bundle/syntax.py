"""Parses Python source, wherever another parse may begin before this one ends."""

from __future__ import annotations

import ast
import gc
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str) -> ast.Module:
    """The tree of this module's source. Raises SyntaxError.

    CPython's ast.parse fails when another one begins before it ends (python/cpython#106905). That other one
    may be in another thread, or in a finalizer that formats a traceback (3.11 and later).
    """
    with _ONE_AT_A_TIME:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return ast.parse(source)
        finally:
            if was_on:
                gc.enable()
