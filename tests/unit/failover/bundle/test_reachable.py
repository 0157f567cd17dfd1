"""What the loader leaves out of the hooks' modules: what it cannot come to, and no more."""

import pytest

from failover.bundle.reachable import reached

MAIN = """
from b import one, two
import sys
_x = 1
_y = 2
def main(argv):
 return one(_x)
def other():
 return two(_y)
"""
OTHERS = """
A = 1
B, C = 2, 3
def one(x):
 return getattr(x, 'three')() + C
def two(x):
 return _x(A)
def three():
 return 3
def _x(y):
 return y
class Four:
 def five(self):
  return 1
print('six')
"""


def test_what_main_comes_to_stays() -> None:
    found = reached({"a": MAIN, "b": OTHERS}, "a")
    assert found["a"] == "from b import one\nimport sys\n_x = 1\n\ndef main(argv):\n return one(_x)\n"
    for kept in ("def one", "def three", "B, C = (2, 3)", "print('six')"):
        assert kept in found["b"]
    for left_out in ("def two", "def _x", "Four", "A = 1"):
        assert left_out not in found["b"]


def test_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(reached({"a": MAIN, "b": OTHERS}, "a")["b"], names)  # noqa: S102
    assert capsys.readouterr().out == "six\n"
    held = type("Held", (), {"three": lambda _: 4})()
    assert names["one"](held) == 7  # type: ignore[operator]
