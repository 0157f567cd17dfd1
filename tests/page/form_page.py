"""Resource Manager's form as a page, drawn from terraform/schema.yaml: for the docs' picture and its test.

`python -m tests.page.form_page [OUT.html]` writes the page; docs/form.png is it in headless Chromium. What
the service draws looks otherwise; titles, order, help, defaults and what is hidden are the form's own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tests.paths import ROOT

SCHEMA = ROOT / "terraform" / "schema.yaml"
_PICKERS = "oci:"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><style>
body { font: 14px/1.45 system-ui, sans-serif; background: #f4f3f1; color: #22262b; margin: 0; padding: 24px; }
main { max-width: 720px; margin: auto; }
h1 { font-size: 20px; } h2 { font-size: 15px; margin: 0 0 12px; }
section { background: #fff; border: 1px solid #dfe2e4; border-radius: 6px; padding: 16px 20px; }
section { margin: 14px 0; }
label { display: block; font-weight: 600; margin-top: 12px; }
.field { border: 1px solid #8b9299; border-radius: 4px; padding: 6px 10px; min-height: 20px; color: #22262b; }
.picker { background: #eef3f7; } .picker::after { content: "\\25be"; float: right; color: #3a7ca5; }
.help, .info { color: #626a73; font-size: 12.5px; } .must { color: #b3372f; }
.button { display: inline-block; background: #3a7ca5; color: #fff; border-radius: 4px; padding: 8px 16px; }
</style></head><body><main>
<h1>{{ title }}</h1><p class="info">{{ info }}</p>
{% for group in groups %}<section><h2>{{ group.title }}</h2>
{% for field in group.fields %}<label id="{{ field.name }}">{{ field.title }}
{%- if field.required %} <span class="must">*</span>{% endif %}</label>
<div class="field{{ ' picker' if field.picker }}">{{ field.shown }}</div>
<div class="help">{{ field.description | safe }}</div>
{% endfor %}</section>{% endfor %}
<p><span class="button">Plan</span></p></main></body></html>
"""


def page(values: Mapping[str, Any]) -> str:
    """The form as somebody sees it who has filled in `values`; hidden fields are left out, as there."""
    schema = yaml.safe_load(SCHEMA.read_text())
    variables = schema["variables"]
    filled = {name: values.get(name, v.get("default")) for name, v in variables.items()}
    groups = [
        {
            "title": g["title"],
            "fields": [_field(n, variables[n], filled) for n in _seen(g, variables, filled)],
        }
        for g in schema["variableGroups"]
        if visible(g.get("visible", True), filled)
    ]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    return environment.from_string(_PAGE).render(
        title=schema["title"], info=schema["informationalText"], groups=[g for g in groups if g["fields"]]
    )


def _seen(group: Mapping[str, Any], variables: Mapping[str, Any], filled: Mapping[str, Any]) -> list[str]:
    return [n for n in group["variables"] if visible(variables[n].get("visible", True), filled)]


def _field(name: str, variable: Mapping[str, Any], filled: Mapping[str, Any]) -> dict[str, Any]:
    value = filled[name]
    shown = "yes" if value is True else "no" if value is False else value
    if isinstance(value, list):
        shown = ", ".join(map(str, value))
    return {
        "name": name,
        "title": variable.get("title", name),
        "required": variable.get("required", False),
        "picker": variable["type"].startswith(_PICKERS) or variable["type"] == "enum",
        "description": variable.get("description", ""),
        "shown": "" if shown is None else shown,
    }


def visible(rule: Any, filled: Mapping[str, Any]) -> bool:
    """A `visible` of the schema: a boolean, ${variable}, or one of not, and, or, eq."""
    if isinstance(rule, bool):
        return rule
    if isinstance(rule, str):
        value = _value(rule, filled)
        return value not in (False, None, "", "false")
    ((operator, operands),) = rule.items()
    if operator == "not":
        return not visible(operands[0], filled)
    if operator in ("and", "or"):
        found = [visible(one, filled) for one in operands]
        return all(found) if operator == "and" else any(found)
    if operator == "eq":
        left, right = (_value(one, filled) for one in operands)
        return str(left) == str(right)
    raise ValueError(f"visible: found {operator!r}, expected not, and, or, eq")


def _value(text: Any, filled: Mapping[str, Any]) -> Any:
    if isinstance(text, str) and text.startswith("${") and text.endswith("}"):
        return filled[text[2:-1]]
    return text


EXAMPLE = {
    "region": "ap-tokyo-1",
    "compartment_id": "hpc-cluster",
    "server_instance_id": "nfs-srv-1",
    "volume_ids": ["ocid1.volume.oc1.ap-tokyo-1.abxhiljr…bv1", "ocid1.volume.oc1.ap-tokyo-1.abxhiljr…bv2"],
    "active_server": "nfs-srv-2",
    "replacement_image_id": "nfs-srv-golden",
    "replacement_availability_domain": "AD-1",
    "replacement_shape": "BM.Optimized3.36",
    "vcn_id": "hpc-vcn",
    "replacement_subnet_id": "storage",
    "service_ip": "10.0.0.100",
}


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "form.html").write_text(page(EXAMPLE))
