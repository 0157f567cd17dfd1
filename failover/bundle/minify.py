"""Shortens Python source for the zipapp: what people read goes, what Python runs stays."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator
from string import ascii_lowercase
from typing import TypeVar

from failover.bundle import syntax

_Documented = TypeVar("_Documented", ast.Module, ast.ClassDef, ast.FunctionDef)
_INDENT = re.compile(r"^( {4})+", re.MULTILINE)
_NAMES_MATTER = (ast.ClassDef, ast.Global, ast.Nonlocal)


def shortened(source: str) -> str:
    """The same program without comments, docstrings, annotations and wide indents.

    Its local variables have one letter, and what a module keeps to itself has two; parameters keep their
    names, which callers use.
    """
    tree = _Shorter().visit(syntax.parse(source))
    _drop_unused_types(tree)
    _rename_privates(tree)
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef):
            _rename_locals(node)
    return dedented(ast.unparse(ast.fix_missing_locations(tree)) + "\n")


def nodes(root: ast.AST) -> Iterator[ast.AST]:
    """As ast.walk has them, without the contexts of names (Load, Store), which are a third of all."""
    left = deque([root])
    while left:
        node = left.popleft()
        yield node
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                left.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                left.append(value)


def dedented(text: str) -> str:
    """Unparsed text with one space for each level of its indentation."""
    return _INDENT.sub(lambda match: " " * (len(match.group()) // 4), text)


class _Shorter(ast.NodeTransformer):
    """NamedTuple's fields keep their annotations: they are how it learns of them."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [_plain(statement) for statement in node.body if not _for_types(statement)]
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        node.body = [_plain(statement) for statement in node.body]
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def _without_docstring(self, node: _Documented) -> _Documented:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def _plain(statement: ast.stmt) -> ast.stmt:
    """An annotated assignment as a plain one."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return ast.copy_location(ast.Assign([statement.target], statement.value), statement)
    return statement


def _for_types(statement: ast.stmt) -> bool:
    """`if TYPE_CHECKING:`, which no Python runs."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def _drop_unused_types(tree: ast.Module) -> None:
    """Without annotations most of what came from `typing` is not used any more."""
    used = {node.id for node in nodes(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or node.names]


def _rename_privates(tree: ast.Module) -> None:
    """Functions, classes and values whose name begins with one underscore: no other module imports them."""
    defined = [name for node in tree.body for name in _defined(node) if re.match("_[^_]", name)]
    names = [node for node in nodes(tree) if isinstance(node, ast.Name)]
    used = {node.id for node in names}
    free = (name for name in (f"_{n}{letter}" for n in ("", *"123456789") for letter in ascii_lowercase))
    short = dict(zip(dict.fromkeys(defined), (name for name in free if name not in used), strict=False))
    for node in names:
        node.id = short.get(node.id, node.id)
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            statement.name = short.get(statement.name, statement.name)


def _defined(node: ast.stmt) -> list[str]:
    """What this statement of a module defines by itself."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [name.id for target in targets for name in nodes(target) if isinstance(name, ast.Name)]


def _rename_locals(function: ast.FunctionDef) -> None:
    """Nothing is renamed where names reach out of the function: attributes of a class, globals."""
    inside = [node for statement in function.body for node in nodes(statement)]
    if any(isinstance(node, _NAMES_MATTER) for node in inside):
        return
    parameters = {node.arg for node in (*nodes(function.args), *inside) if isinstance(node, ast.arg)}
    names = [node for node in inside if isinstance(node, ast.Name)]
    caught = {node.name for node in inside if isinstance(node, ast.ExceptHandler)}
    bound = dict.fromkeys(node.id for node in names if isinstance(node.ctx, ast.Store))
    free = [letter for letter in ascii_lowercase if letter not in parameters | {node.id for node in names}]
    short = dict(zip((name for name in bound if name not in parameters | caught), free, strict=False))
    for node in names:
        node.id = short.get(node.id, node.id)
