"""Leaves out of modules what one of them never comes to: the loader's bytes are scarce (docs/adr/0010)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from failover.bundle import syntax
from failover.bundle.minify import dedented

_Trees = dict[str, ast.Module]
_Used = dict[str, set[str]]  # by module: the names that its kept statements speak of


def reached(sources: dict[str, str], entry: str) -> dict[str, str]:
    """These modules with what `main` of `entry` may reach, by name: rather too much than too little.

    A name that begins with one underscore counts in its own module, any other in all of them, and so does a
    text that could be a name: getattr() may look for it. A class is kept or left out as a whole.
    """
    trees = {name: syntax.parse(source) for name, source in sources.items()}
    used: _Used = {name: set() for name in trees}
    while (more := {name: _names(trees[name], name == entry, used, name) for name in trees}) != used:
        used = more
    return {name: dedented(ast.unparse(_kept(tree, used, name)) + "\n") for name, tree in trees.items()}


def _names(tree: ast.Module, is_entry: bool, used: _Used, module: str) -> set[str]:
    statements = [
        one for one in tree.body if not isinstance(one, ast.ImportFrom) and _is_kept(one, used, module)
    ]
    return {name for one in statements for name in _spoken(one)} | ({"main"} if is_entry else set())


def _kept(tree: ast.Module, used: _Used, module: str) -> ast.Module:
    body: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            statement.names = [one for one in statement.names if (one.asname or one.name) in used[module]]
            body += [statement] if statement.names else []
        elif _is_kept(statement, used, module):
            body.append(statement)
    return ast.Module(body, [])


def _is_kept(statement: ast.stmt, used: _Used, module: str) -> bool:
    """What defines no name does something; it stays."""
    defined = list(_defined(statement))
    return not defined or any(_is_used(name, used, module) for name in defined)


def _is_used(name: str, used: _Used, module: str) -> bool:
    own = name.startswith("_") and not name.startswith("__")
    return name in used[module] if own else any(name in names for names in used.values())


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _spoken(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value
