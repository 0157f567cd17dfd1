"""The tables of terraform/README.md, made of the configuration; `python -m` of this module writes them."""

import re
import sys
from collections.abc import Callable
from typing import Any

from lab.site.stack import SOURCE
from tests.terraform.text.hcl import Block, of_kind, text

README = SOURCE / "README.md"


def tables() -> dict[str, str]:
    """Markdown by the name of its place in the README."""
    variables = of_kind("variable").values()
    return {
        "variables": _variables([v for v in variables if not _of_the_form_alone(v)]),
        "form": _variables([v for v in variables if _of_the_form_alone(v)]),
        "outputs": _outputs(of_kind("output").values()),
    }


def current(readme: str) -> str:
    """The README with its tables as they should be."""
    for name, table in tables().items():
        place = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        readme, written = place.subn(_between(table), readme)
        if written != 1:
            raise ValueError(f"README.md has {written} places for {name}, expected one")
    return readme


def _of_the_form_alone(variable: Block) -> bool:
    return str(text(variable.body["description"])).startswith("Form: ")


def _between(table: str) -> Callable[[re.Match[str]], str]:
    return lambda found: found[1] + table + found[2]


def _variables(found: Any) -> str:
    rows = [
        f"| `{v.name}` | {_type(v.body['type'])} | {_default(v)} | {text(v.body['description'])} |"
        for v in sorted(found, key=lambda v: v.name)
    ]
    return "\n".join(("| name | type | default | what |", "|---|---|---|---|", *rows)) + "\n"


def _outputs(found: Any) -> str:
    rows = [f"| `{o.name}` | {text(o.body['description'])} |" for o in sorted(found, key=lambda o: o.name)]
    return "\n".join(("| name | what |", "|---|---|", *rows)) + "\n"


def _type(expression: str) -> str:
    bare = re.sub(r"^\$\{|\}$", "", expression)
    container, _, inner = bare.partition("(")
    if container == "object":
        return "object"
    return (
        f"{container} of {'objects' if inner.startswith('object') else inner.rstrip(')') + 's'}"
        if inner
        else bare
    )


def _default(variable: Block) -> str:
    if "default" not in variable.body:
        return "required"
    value = variable.body["default"]
    if isinstance(value, dict):
        return "empty"
    return f"`{value}`" if isinstance(value, str) else f"`{str(value).lower().replace('none', 'null')}`"


def main() -> None:
    """Write the tables into the README; says whether they had to change."""
    before = README.read_text()
    README.write_text(current(before))
    sys.stdout.write("terraform/README.md: " + ("written\n" if current(before) != before else "is current\n"))


if __name__ == "__main__":
    main()
