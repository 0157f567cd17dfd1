"""Shortens Python source for the zipapp: what people read goes, what Python runs stays."""

from __future__ import annotations

import ast
import re
from typing import TypeVar

_Documented = TypeVar("_Documented", ast.Module, ast.ClassDef, ast.FunctionDef)
_INDENT = re.compile(r"^( {4})+", re.MULTILINE)


def shortened(source: str) -> str:
    """The same program without comments, docstrings, functions' annotations and wide indents."""
    tree = _Shorter().visit(ast.parse(source))
    text = ast.unparse(tree) + "\n"
    return _INDENT.sub(lambda found: " " * (len(found.group()) // 4), text)


class _Shorter(ast.NodeTransformer):
    """NamedTuple's fields keep their annotations: they are how it learns of them."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def _without_docstring(self, node: _Documented) -> _Documented:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node
