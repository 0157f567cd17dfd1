"""Writes form.tf and schema.yaml from one table, terraform/form.toml: a field of the form is a row there."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from failover.atomic_file import write_whole
from failover.paths import STACK, TEMPLATES

Row = Mapping[str, Any]  # one field, its kind's keys among its own
TABLE = "form.toml"
_WIDTH = 120  # of a line of HCL
_FIRST_LINE = (
    f"# Made by `invoke render` from {TABLE}, where each field is one row: correct that file, not this one.\n"
)
_TYPES = {
    "array": "list(string)",
    "boolean": "bool",
    "integer": "number",
}  # of Terraform; the rest are strings
_OF_THE_FORM = (
    *("type", "title", "description", "default", "enum", "pattern", "minimum", "maximum", "minItems"),
    *("maxItems", "uniqueItems", "items", "required", "visible", "multiline", "valueType", "dependsOn"),
)


def read(stack: Path = STACK) -> dict[str, Any]:
    """The table: {"shown": ..., "kinds": ..., "groups": [{"title", "fields": [row]}]}, each row with the keys
    of its kind. Raises KeyError for a kind that the table lacks."""
    table = tomllib.loads((stack / TABLE).read_text())
    for group in table["groups"]:
        group["fields"] = [
            {**(table["kinds"][row["kind"]] if "kind" in row else {}), **row} for row in group["fields"]
        ]
    return table


def variables(table: Mapping[str, Any]) -> str:
    """form.tf: every variable that a person fills in."""
    rows = [row for group in table["groups"] for row in group["fields"] if "is" in row]
    return _FIRST_LINE + "".join("\n" + _variable(row) for row in rows)


def schema(table: Mapping[str, Any]) -> str:
    """schema.yaml: the form's groups and fields in templates/schema.yaml.j2, which has what is no field."""
    groups = [
        {
            "title": g["title"],
            **({"visible": False} if g.get("hidden") else {}),
            "variables": [row["name"] for row in g["fields"]],
        }
        for g in table["groups"]
    ]
    fields = {
        row["name"]: _field(row, table["shown"], g.get("hidden", False))
        for g in table["groups"]
        for row in g["fields"]
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML
        keep_trailing_newline=True,
    )
    return environment.get_template("schema.yaml.j2").render(
        first_line=_FIRST_LINE, groups=_yaml(groups), variables=_yaml(fields)
    )


def write(stack: Path = STACK) -> tuple[Path, Path]:
    """Write both files where they are not current; gives their paths."""
    table = read(stack)
    made = {stack / "form.tf": variables(table), stack / "schema.yaml": schema(table)}
    for path, text in made.items():
        if not path.exists() or path.read_text() != text:
            write_whole(path, text.encode())
    form, page = made
    return form, page


def _yaml(value: Any) -> str:
    return textwrap.indent(
        yaml.dump(value, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=108), "  "
    )


class _Whole(yaml.SafeDumper):
    """Writes a value that occurs twice twice: a reader of the form need not look an anchor up."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _field(row: Row, shown: Mapping[str, Any], hidden: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {**row}
    if "help" in row:
        entry["description"] = row["help"]
    if "offered" in row:
        entry["default"] = row["offered"]
    if hidden or "shown" in row:
        entry["visible"] = False if hidden else shown[row["shown"]]
    if "depends" in row:
        entry["dependsOn"] = row["depends"]
    if row["type"] in ("list", "map"):
        entry["valueType"] = "string"
    if row["type"] == "array":
        entry |= {"uniqueItems": True, "items": {"type": "string", "pattern": _whole(row, False)}}
    if row["type"] == "string" and "pattern" in row:
        entry["pattern"] = _whole(row, not row.get("required", False))
    else:
        entry.pop("pattern", None)
    if row["type"] == "text":
        entry["multiline"] = True
    return {key: entry[key] for key in _OF_THE_FORM if key in entry}


def _whole(row: Row, may_be_empty: bool) -> str:
    one_of = "|".join(_patterns(row))
    return f"^({one_of})?$" if may_be_empty else f"^({one_of})$" if "|" in one_of else f"^{one_of}$"


def _patterns(row: Row) -> list[str]:
    pattern = row.get("pattern", [])
    return [pattern] if isinstance(pattern, str) else list(pattern)


def _variable(row: Row) -> str:
    lines = [f"# {row['note']}"] if "note" in row else []
    lines += [
        f'variable "{row["name"]}" {{',
        f"  type        = {_TYPES.get(row['type'], 'string')}",
        f"  description = {_quoted(row['is'])}",
    ]
    if not row.get("mandatory"):
        lines.append(f"  default     = {json.dumps(_default(row))}")
    lines.append("  nullable    = false")
    if row["type"] == "password":
        lines.append("  sensitive   = true")
    for condition, message in _rules(row):
        lines += ["", *_validation(condition, message)]
    return "\n".join([*lines, "}"]) + "\n"


def _default(row: Row) -> Any:
    return row.get("default", [] if row["type"] == "array" else "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("${", "$${")


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
        return row["condition"].replace("VALUE", value).split("\n")
    if "enum" in row:
        return [f"contains({json.dumps(row['enum'])}, {value})"]
    if row["type"] == "integer":
        limits = [f"{value} >= {row['minimum']}"]
        limits += [f"{value} <= {row['maximum']}"] if "maximum" in row else []
        limits += [f"floor({value}) == {value}"]
        line = " && ".join(limits)
        return [line] if len(line) < _WIDTH - 22 else [f"{limit} &&" for limit in limits[:-1]] + limits[-1:]
    one_of = [_matches(pattern, value) for pattern in _patterns(row)]
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
