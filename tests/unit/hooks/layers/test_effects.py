"""Each layer's module says which of its functions touch the host, and a function without `host` does not."""

import ast
import re
from pathlib import Path

import pytest

from failover.bundle.syntax import parse
from tests.paths import ROOT

HOOKS = ROOT / "hooks"
MODULES = [p for p in sorted((HOOKS / "layers").glob("*.py")) if p.name != "__init__.py"]
MODULES += [HOOKS / "client" / "client.py", HOOKS / "layers" / "locks" / "keepers.py"]
TOUCHES = re.compile(
    r"^(open|glob|os\.(?!path\.(basename|dirname|join|split|normpath)$)|subprocess\.|text_file\.)"
)


def functions(text: str) -> list[ast.FunctionDef]:
    return [node for node in parse(text).body if isinstance(node, ast.FunctionDef)]


def touching_without_host(text: str) -> list[str]:
    """Functions that take no `host` (and no path of it), and that call what reads or changes a host."""
    named = {f.name: f for f in functions(text)}
    without = {n: f for n, f in named.items() if not {"host", "path"} & {a.arg for a in f.args.args}}
    return [
        name
        for name, function in without.items()
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and TOUCHES.match(ast.unparse(call.func))
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_the_module_says_which_of_its_functions_touch_the_host(module: Path) -> None:
    says = ast.get_docstring(parse(module.read_text())) or ""
    assert "host" in says.partition("\n\n")[2], "say which functions change the host, or that none does"
    names = {f.name for f in functions(module.read_text())}
    quoted = {name for name in re.findall(r"`(\w+)`", says) if not name.endswith("_")} - {"host"}
    assert quoted <= names, "a function that is named there does not exist"


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_a_function_without_a_host_is_pure(module: Path) -> None:
    assert touching_without_host(module.read_text()) == []


def test_a_function_that_reads_without_a_host_is_found() -> None:
    assert touching_without_host("def f(x):\n    return os.listdir(x)\n") == ["f"]
    assert touching_without_host("def f(host):\n    return os.listdir(host.path('/'))\n") == []
