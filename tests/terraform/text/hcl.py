"""The stack's configuration as parsed HCL, for tests that read it rather than run it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import hcl2

from lab.site.stack import SOURCE

# what python-hcl2 adds of its own
MARKS = ("__is_block__", "__comments__", "__inline_comments__", "__start_line__", "__end_line__")
_TOKEN = re.compile(r'\\.|[$%]\{|[{}"]|[^\\$%{}"]+|.', re.DOTALL)
_HEREDOC = re.compile(r'"<<-?(\w+)\n(.*)\n\s*\1"', re.DOTALL)
_CALL = re.compile(r"\b([a-z][a-z0-9_]*(?:::[a-z0-9_]+)*)\(")


@dataclass(frozen=True)
class Block:
    """One top-level block: its kind, its labels and its content."""

    file: str
    kind: str
    labels: tuple[str, ...]
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return self.labels[-1] if self.labels else ""


def parse(text: str, file: str = "test.tf") -> list[Block]:
    """Every block of one file, in its order by kind."""
    document = hcl2.loads(text)
    return [
        Block(file, kind, *_unfolded(block, _LABELS.get(kind, 0)))
        for kind, blocks in document.items()
        if kind not in MARKS
        for block in blocks
    ]


_LABELS = {"variable": 1, "output": 1, "provider": 1, "check": 1, "module": 1, "data": 2, "resource": 2}


def _unfolded(block: dict[str, Any], depth: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    labels: list[str] = []
    for _ in range(depth):
        ((label, block),) = block.items()
        labels.append(label.strip('"'))
    return tuple(labels), {key: value for key, value in block.items() if key not in MARKS}


@cache
def stack() -> list[Block]:
    """Every block of terraform/*.tf; they are parsed once, which takes about a second."""
    return [block for file in sorted(SOURCE.glob("*.tf")) for block in parse(file.read_text(), file.name)]


def of_kind(kind: str) -> dict[str, Block]:
    """The stack's blocks of one kind by name."""
    return {block.name: block for block in stack() if block.kind == kind}


def words(value: Any) -> Iterator[str]:
    """Every expression and literal in a parsed value, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in MARKS:
                yield str(key)
                yield from words(item)
    elif isinstance(value, list):
        for item in value:
            yield from words(item)
    elif isinstance(value, str):
        yield value


def text(value: Any) -> str:
    """A parsed literal without its quotes; a heredoc's lines are joined by spaces."""
    if isinstance(value, str) and (heredoc := _HEREDOC.fullmatch(value)):
        return " ".join(heredoc[2].split())
    return value.strip('"').replace('\\"', '"').replace("\\\\", "\\") if isinstance(value, str) else value


def calls(value: Any) -> set[str]:
    """The functions that a parsed value calls; quoted text counts only where it is interpolated."""
    return {name for word in words(value) for name in _CALL.findall(code(word))}


def code(expression: str) -> str:
    """An expression without its quoted text; what is interpolated in that stays."""
    kept, inside = [], ["code"]
    for piece in _TOKEN.findall(expression):
        where = inside[-1]
        if piece == '"' and where == "text":
            inside.pop()
        elif piece == '"':
            inside.append("text")
        elif piece in ("${", "%{"):
            inside.append("code")
        elif piece == "{":
            inside.append(where)
        elif piece == "}" and len(inside) > 1:
            inside.pop()
        kept.append(piece if where == "code" and piece not in ('"', "${", "%{") else " ")
    return "".join(kept)


def references(value: Any, kind: str) -> set[str]:
    """The names that a parsed value refers to: `var.NAME`, `local.NAME` or `data.TYPE.NAME`."""
    pattern = rf"(?<![\w.]){kind}\.(\w+\.\w+)" if kind == "data" else rf"(?<![\w.]){kind}\.(\w+)"
    return {name for word in words(value) for name in re.findall(pattern, word)}
