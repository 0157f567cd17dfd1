"""One field of the form as a variable of Terraform: its description, its default and its validations."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]  # one field, its kind's keys among its own
_WIDTH = 120  # of a line of HCL
_TYPES = {
    "array": "list(string)",
    "boolean": "bool",
    "integer": "number",
}  # of Terraform; the rest are strings


def patterns(row: Row) -> list[str]:
    """The patterns of which a value must match one as a whole; none for a field without a pattern."""
    pattern = row.get("pattern", [])
    return [pattern] if isinstance(pattern, str) else list(pattern)


def variable(row: Row) -> str:
    """The block of this field, a line no longer than 120 characters where words let it."""
    lines = [f"# {row['note']}"] if "note" in row else []
    lines += [
        f'variable "{row["name"]}" {{',
        f"  type        = {_TYPES.get(row['type'], 'string')}",
        *_described(row["is"]),
    ]
    if not row.get("mandatory"):
        lines.append(f"  default     = {json.dumps(_default(row))}")
    lines.append("  nullable    = false")
    if row["type"] == "password":
        lines.append("  sensitive   = true")
    for condition, message in _rules(row):
        lines += ["", *_validation(condition, message)]
    return "\n".join([*lines, "}"]) + "\n"


def _described(text: str) -> list[str]:
    """The description: a string where it fits, else a heredoc, since Terraform takes no expression there."""
    line = f"  description = {_quoted(text)}"
    if len(line) <= _WIDTH:
        return [line]
    lines = textwrap.wrap(text, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return ["  description = <<-EOT", *(f"    {_escaped(line)}" for line in lines), "  EOT"]


def _default(row: Row) -> Any:
    return row.get("default", [] if row["type"] == "array" else "")


def _quoted(text: str) -> str:
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _rules(row: Row) -> Iterator[tuple[list[str], str]]:
    """Conditions, a line of HCL an entry, each with its message."""
    value = f"var.{row['name']}"
    for rule in row.get("rules", []):
        yield rule["condition"].replace("VALUE", value).split("\n"), rule["message"]
    if row["type"] == "array":
        each = [line.replace("VALUE", "one") for line in _condition(row, "one")]
        yield ["alltrue([", f"  for one in {value} :", *(f"  {line}" for line in each), "])"], _message(row)
    elif "must" in row:
        lines = _condition(row, value)
        may_be_empty = "pattern" in row and not row.get("mandatory") and not _default(row)
        if may_be_empty:
            lines = [f'{value} == "" ||', *lines]
        yield lines if len(lines) == 1 or lines[0].endswith("[") else _bracketed(lines), _message(row)


def _message(row: Row) -> str:
    return f"{row['name']} must {row['must'].strip()}"


def _bracketed(lines: list[str]) -> list[str]:
    return ["(", *(f"  {line}" for line in lines), ")"]


def _condition(row: Row, value: str) -> list[str]:
    if "condition" in row:
        whole = _quoted(f"^{'|'.join(patterns(row))}$")
        return row["condition"].replace("VALUE", value).replace("PATTERN", whole).split("\n")
    if "enum" in row:
        return [f"contains({json.dumps(row['enum'])}, {value})"]
    if row["type"] == "integer":
        limits = [f"{value} >= {row['minimum']}"]
        limits += [f"{value} <= {row['maximum']}"] if "maximum" in row else []
        limits += [f"floor({value}) == {value}"]
        line = " && ".join(limits)
        return [line] if len(line) < _WIDTH - 22 else [f"{limit} &&" for limit in limits[:-1]] + limits[-1:]
    one_of = [_matches(pattern, value) for pattern in patterns(row)]
    for lines in one_of[:-1]:
        lines[-1] += " ||"
    return [line for lines in one_of for line in lines]


def _matches(pattern: str, value: str) -> list[str]:
    text = _quoted(f"^{pattern}$")
    line = f"can(regex({text}, {value}))"
    return [line] if len(line) < _WIDTH - 22 else ["can(regex(", f"  {text},", f"  {value}", "))"]


def _validation(condition: list[str], message: str) -> list[str]:
    message_lines = _text(message)
    gap = "     " if len(condition) == len(message_lines) == 1 else " "
    lines = [f"    condition{gap}= {condition[0]}", *(f"    {line}" for line in condition[1:])]
    lines += [f"    error_message = {message_lines[0]}", *(f"    {line}" for line in message_lines[1:])]
    return ["  validation {", *lines, "  }"]


def _text(message: str) -> list[str]:
    """The text as HCL: one line where it fits, else joined of lines."""
    if len(_quoted(message)) + len("    error_message = ") <= _WIDTH:
        return [_quoted(message)]
    parts = [""]
    for word in message.split(" "):
        longer = f"{parts[-1]} {word}".lstrip()
        if len(_quoted(longer)) + len("      ,") <= _WIDTH:
            parts[-1] = longer
        else:
            parts.append(word)
    return ['join(" ", [', *(f"  {_quoted(part)}," for part in parts), "])"]
