"""Figures of the code itself, for docs/adr/0009-layout.md: folders, floors, functions, docstrings.

`./inv bench --what house` prints them for this tree; `python -m bench.house FOLDER` for another checkout.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.system.paths import ROOT

PACKAGES = ("failover", "hooks", "lab", "tests")
_RAISE = re.compile(r"\braise[sd]?\b", re.IGNORECASE)
# the factories of the lab's API (lab/api/core/errors.py) and what a caller gets: docstrings name the status
STATUSES = {
    "not_found": "404",
    **dict.fromkeys(("missing", "invalid", "limit_exceeded"), "400"),
    **dict.fromkeys(("incorrect_state", "conflict"), "409"),
    "not_modelled": "501",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main(root: Path = ROOT) -> int:
    """Print a table, a package a row; the exit code."""
    print(
        "| package | files | folders | most files in one | functions: median, P90, longest | raise: say so |"
    )
    print("|---|---|---|---|---|---|")
    for package in PACKAGES:
        print(row(root, package))
    print(f"\nimport contracts: {len(contracts(root))}")
    print(f"floors: {floors(root) or 'none'}")
    print(f"seconds of the last runs here: {seconds(root) or 'none was seen to its end'}")
    return 0


def row(root: Path, package: str) -> str:
    """One package's figures. A folder's `__init__.py` does not count."""
    files = sorted((root / package).rglob("*.py"))
    modules = [file for file in files if file.name != "__init__.py"]
    folders = {file.parent for file in modules}
    most = max(sum(file.parent == folder for file in modules) for folder in folders)
    functions = [function for file in modules for function in _functions(ast.parse(file.read_text()))]
    lines = sorted((function.end_lineno or function.lineno) - function.lineno + 1 for function in functions)
    open_to_others = [function for file in modules for function in public(ast.parse(file.read_text()))]
    raising = [function for function in open_to_others if raises(function)]
    saying = [function for function in raising if says(function)]
    sizes = f"{statistics.median(lines):.0f}, {lines[int(len(lines) * 0.9)]}, {lines[-1]}"
    share = "-" if package == "tests" else f"{len(raising)}: {len(saying)}"
    return f"| {package} | {len(modules)} | {len(folders)} | {most} | {sizes} | {share} |"


def contracts(root: Path) -> list[dict[str, Any]]:
    """What import-linter holds, as pyproject.toml has it."""
    configuration = tomllib.loads((root / "pyproject.toml").read_text())
    held: list[dict[str, Any]] = configuration["tool"]["importlinter"]["contracts"]
    return held


def floors(root: Path) -> str:
    """How many floors each package of a `layers` contract has."""
    built = [one for one in contracts(root) if one["type"] == "layers"]
    return ", ".join(f"{package} {len(one['layers'])}" for one in built for package in one["containers"])


def seconds(root: Path) -> str:
    """Of the last `check`, `test --quick` and `test` in this checkout that succeeded."""
    file = root / ".venv" / "seconds.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    return ", ".join(f"{name} {number}" for name, number in known.items())


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public(tree: ast.AST) -> Iterator[Function]:
    """Functions and methods that others can call: nothing of what a function has inside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            if not node.name.startswith("_"):
                yield node
        else:
            yield from public(node)


def says(function: Function) -> bool:
    """Whether its docstring tells of all that it raises: "raise" in it, or each class' name. A refusal of the
    lab's API is named by its HTTP status.
    """
    text = ast.get_docstring(function) or ""
    in_general, words = bool(_RAISE.search(text)), set(re.findall(r"\w+", text))
    return all(
        STATUSES[name] in words if name in STATUSES else in_general or name in words
        for name in _raised(function)
    )


def raises(function: Function) -> bool:
    """Whether the function's own body raises; a bare `raise`, which hands on what it caught, counts too."""
    return bool(_raised(function))


def _raised(function: Function) -> set[str]:
    """The names of what it raises: classes, or functions that make one; "" for a bare `raise`."""
    inner = {
        id(node)
        for child in ast.walk(function)
        if child is not function and isinstance(child, Function)
        for node in ast.walk(child)
    }
    return {
        _name(node.exc)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and id(node) not in inner
    }


def _name(raised: ast.expr | None) -> str:
    match raised:
        case ast.Call(func=called):
            return _name(called)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
