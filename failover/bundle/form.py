"""Writes form.tf and schema.yaml from one table, terraform/form.toml: a field of the form is a row there."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from failover.atomic_file import write_whole
from failover.bundle.form_variables import Row, patterns, variable
from failover.paths import STACK, TEMPLATES

TABLE = "form.toml"
_WIDTH = 120  # of a line of YAML
_FIRST_LINE = (
    f"# Made by `invoke render` from {TABLE}, where each field is one row: correct that file, not this one.\n"
)
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
    return _FIRST_LINE + "".join("\n" + variable(row) for row in rows)


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
    dumped = yaml.dump(value, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=_WIDTH - 12)
    return "".join(_broken(f"  {line}\n") for line in dumped.splitlines())


def _broken(line: str) -> str:
    """The line, or two where its value is one long pattern: in double quotes it goes on after an escaped line
    break (YAML 1.2, 7.3.1), here before a `|`. Raises ValueError when the pattern has no place for that."""
    if len(line.rstrip()) <= _WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    ((key, pattern),) = yaml.safe_load(line).items()
    first = f"{indent}{key}: {json.dumps(pattern, ensure_ascii=False)}"
    place = first.rfind("|", 0, _WIDTH)
    if place < 0:
        raise ValueError(f"{TABLE}: expected a `|` to break this long {key} before, found none: {pattern}")
    return f"{first[:place]}\\\n{indent}  {first[place:]}\n"


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
    one_of = "|".join(patterns(row))
    return f"^({one_of})?$" if may_be_empty else f"^({one_of})$" if "|" in one_of else f"^{one_of}$"
