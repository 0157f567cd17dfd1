"""A parse holds where garbage is collected within it: a finalizer may parse too (traceback does)."""

from __future__ import annotations

import ast
import gc

import pytest

from failover.bundle.syntax import parse

DEEP = "x = " + "(" * 40 + "1" + " + 1)" * 40 + "\n"


class Garbage:
    """A cycle; whoever collects it parses, as the formatting of a traceback does."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse(DEEP)


def test_a_finalizer_that_parses_does_not_disturb_a_parse() -> None:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(50)
    try:
        for _ in range(20):
            waiting = [Garbage() for _ in range(3)]
            del waiting
            assert isinstance(parse(DEEP * 20), ast.Module)
    finally:
        gc.set_threshold(*thresholds)


def test_garbage_is_collected_again_after_a_source_that_does_not_parse() -> None:
    with pytest.raises(SyntaxError):
        parse("def")
    assert gc.isenabled()
