"""Writes values in Terraform's language, laid out as `terraform fmt` lays them out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str, ...]
Comments = Mapping[Path, Sequence[str]]
_BARE = re.compile(r"[a-z][a-z0-9_]*")
_ENTRY = re.compile(r'(\s*(?:"(?:[^"\\]|\\.)*"|[^"\s]+)) = (.*)')  # a quoted key may have " = " in it
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WIDTH = 110


def body(values: Mapping[str, Any], comments: Comments, named: frozenset[Path], flat: frozenset[Path]) -> str:
    """Variables as a file of them. `comments`: lines before a path; those at (..., "") end that map.

    `named`: paths of maps whose keys are names, which stand in quotes. `flat`: those whose entries
    have a line each.
    """
    parts = []
    for name, value in values.items():
        lead = [_comment(line) for line in comments.get((name,), ())]
        parts.append("\n".join([*lead, *_entry((name,), name, value, 0, comments, named, flat)]))
    return "\n\n".join(parts) + "\n"


def _entry(
    path: Path,
    key: str,
    value: Any,
    depth: int,
    comments: Comments,
    named: frozenset[Path],
    flat: frozenset[Path],
) -> list[str]:
    """Lines of KEY = VALUE, without alignment: `_aligned` sees to it among neighbours."""
    pad = "  " * depth
    one = _inline(value, path in named)
    if not isinstance(value, Mapping | list) or not value:
        return [f"{pad}{key} = {one}"]
    if isinstance(value, Mapping):
        if path[:-1] in flat:
            return [f"{pad}{key} = {one}"]
        return [f"{pad}{key} = {{", *_members(path, value, depth + 1, comments, named, flat), f"{pad}}}"]
    if not any(isinstance(item, Mapping) for item in value) and len(pad + key + one) + 3 <= _WIDTH:
        return [f"{pad}{key} = {one}"]
    lines = [f"{pad}{key} = ["]
    for index, item in enumerate(value):
        lines += _item((*path, str(index)), item, depth + 1, comments, named, flat)
    return [*lines, f"{pad}]"]


def _item(
    path: Path, item: Any, depth: int, comments: Comments, named: frozenset[Path], flat: frozenset[Path]
) -> list[str]:
    pad, one = "  " * depth, _inline(item, False)
    if isinstance(item, Mapping) and len(pad + one) + 1 > _WIDTH:
        return [f"{pad}{{", *_members(path, item, depth + 1, comments, named, flat), f"{pad}}},"]
    return [f"{pad}{one},"]


def _members(
    path: Path,
    value: Mapping[str, Any],
    depth: int,
    comments: Comments,
    named: frozenset[Path],
    flat: frozenset[Path],
) -> list[str]:
    pad, chunks = "  " * depth, []
    for key, member in value.items():
        shown = _text(key) if path in named or not _BARE.fullmatch(key) else key
        lead = [pad + _comment(line) for line in comments.get((*path, key), ())]
        chunks.append([*lead, *_entry((*path, key), shown, member, depth, comments, named, flat)])
    lines = _aligned([line for chunk in chunks for line in chunk], depth)
    return lines + [pad + _comment(line) for line in comments.get((*path, ""), ())]


def _aligned(lines: list[str], depth: int) -> list[str]:
    """The equals signs of neighbouring whole entries under each other, as fmt has them."""
    out: list[str] = []
    chain: list[tuple[str, str]] = []

    def close() -> None:
        width = max((len(key) for key, _ in chain), default=0)
        out.extend(f"{key:<{width}} = {value}" for key, value in chain)
        chain.clear()

    pad = "  " * depth
    for line in lines:
        entry = _ENTRY.fullmatch(line)
        own = line.startswith(pad) and not line.startswith((pad + " ", pad + "#", pad + "}", pad + "]"))
        if own and entry and not entry[2].endswith(("{", "[")):
            chain.append((entry[1], entry[2]))
        else:
            close()
            out.append(line)
    close()
    return out


def _inline(value: Any, names: bool) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{_text(k) if names or not _BARE.fullmatch(k) else k} = {_inline(v, False)}"
            for k, v in value.items()
        )
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(_inline(item, False) for item in value)}]"


def _comment(line: str) -> str:
    """One line, whatever a display name has in it: a second one would be no comment."""
    return f"# {_NO_TEXT.sub('?', line)}".rstrip()


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _text(value: str) -> str:
    """A quoted text; ${ and %{ would begin a template."""
    escaped = "".join(_ESCAPES.get(char, char) for char in value)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
