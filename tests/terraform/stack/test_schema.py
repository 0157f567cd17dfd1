"""Resource Manager's form: against Oracle's meta schema where it is at hand, and against the variables."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from lab.site.stack import SOURCE
from tests import sources
from tests.paths import ROOT
from tests.terraform.sites.form_site import TYPED
from tests.terraform.text.hcl import Block, of_kind, text

pytestmark = pytest.mark.checked(sources.FORM)

META = ROOT.parent / "shared" / "provider" / "resource-manager-meta-schema.json"
SCHEMA: dict[str, Any] = yaml.safe_load((SOURCE / "schema.yaml").read_text())
FORM: dict[str, dict[str, Any]] = SCHEMA["variables"]
VARIABLES = of_kind("variable")
# by the form's type: what Terraform's must be; the pickers and the rest are strings
TERRAFORM_TYPES = {
    "array": r"\$\{(list|set)\(string\)\}",
    "boolean": "bool",
    "integer": "number",
    "list": r"\$\{(list|set)\(string\)\}",
    "map": r"\$\{(map|object)\(.*",
    "number": "number",
}
OF_PROGRAMS = {*TYPED, "config_file_profile", "launch", "launch_only", "released", "switch"}
CONDITIONS = {"and", "eq", "ge", "gt", "le", "lt", "not", "or"}
PICKERS = {
    "compartment_id": "oci:identity:compartment:id",
    "region": "oci:identity:region:name",
    "replacement_availability_domain": "oci:identity:availabilitydomain:name",
    "replacement_fault_domain": "oci:identity:faultdomain:name",
    "replacement_image_id": "oci:core:image:id",
    "replacement_instance_id": "oci:core:instance:id",
    "replacement_nsg_id": "oci:core:nsg:id",
    "replacement_secondary_subnet_id": "oci:core:subnet:id",
    "replacement_shape": "oci:core:instanceshape:name",
    "replacement_subnet_id": "oci:core:subnet:id",
    "server_instance_id": "oci:core:instance:id",
    "vcn_id": "oci:core:vcn:id",
}
FILLED_IN = {"current_user_ocid"}  # by Resource Manager, in every job
NEEDED = {
    "oci:core:subnet:id": {"compartmentId", "vcnId"},
    "oci:identity:faultdomain:name": {"compartmentId", "availabilityDomainName"},
    "oci:identity:compartment:id": set(),
    "oci:identity:region:name": set(),
}


@pytest.mark.skipif(not META.exists(), reason=f"the meta schema is not in {META.parent}")
def test_oracle_s_meta_schema_takes_it() -> None:
    checker = jsonschema.Draft7Validator(json.loads(META.read_text()))
    assert [f"{list(e.path)}: {e.message[:200]}" for e in checker.iter_errors(SCHEMA)] == []


def test_the_form_and_the_configuration_have_the_same_variables() -> None:
    assert set(FORM) == set(VARIABLES) - FILLED_IN
    required = {name for name, v in VARIABLES.items() if "default" not in v.body}
    assert required <= {name for name, entry in FORM.items() if entry.get("required")}


@pytest.mark.parametrize("name", FORM)
def test_types_agree(name: str) -> None:
    wanted = TERRAFORM_TYPES.get(FORM[name]["type"], "string")
    assert re.fullmatch(wanted, VARIABLES[name].body["type"], re.DOTALL), VARIABLES[name].body["type"]


def test_each_variable_is_in_one_group_in_the_order_of_the_form() -> None:
    grouped = [name for group in SCHEMA["variableGroups"] for name in group["variables"]]
    assert grouped == list(dict.fromkeys(grouped))
    assert set(grouped) == set(FORM)
    titles = [group["title"] for group in SCHEMA["variableGroups"]]
    assert titles == [
        *("What to recover", "The replacement", "Network", "NFS and clients", "Fencing", "For programs"),
    ]


def test_what_a_person_cannot_fill_in_is_hidden() -> None:
    (hidden,) = [group for group in SCHEMA["variableGroups"] if group.get("visible") is False]
    assert set(hidden["variables"]) == OF_PROGRAMS
    assert {name for name, entry in FORM.items() if entry.get("visible") is False} == OF_PROGRAMS


@pytest.mark.parametrize("name", sorted(set(FORM) - OF_PROGRAMS))
def test_each_field_explains_itself(name: str) -> None:
    assert FORM[name].get("title"), name
    described = FORM[name].get("description") or FORM[name]["title"]
    assert not re.search(r"\bTODO\b|variables\.tf|README", described)


def test_pickers_where_the_service_has_them() -> None:
    assert {name: e["type"] for name, e in FORM.items() if e["type"].startswith("oci:")} == PICKERS
    for name, entry in FORM.items():
        if entry["type"].startswith("oci:"):
            depends = entry.get("dependsOn", {})
            assert NEEDED.get(entry["type"], {"compartmentId"}) <= set(depends), name
            assert set(depends.values()) <= set(FORM), name


@pytest.mark.parametrize("name", FORM)
def test_conditions_name_fields_that_decide_them(name: str) -> None:
    for field in _mentioned(FORM[name].get("visible", True)):
        assert FORM[field]["type"] == "boolean", f"{name} is shown by {field}, which is no check box"


def _mentioned(condition: Any) -> Iterator[str]:
    if isinstance(condition, str):
        found = re.fullmatch(r"\$\{(\w+)\}", condition)
        assert found, condition
        yield found[1]
    elif isinstance(condition, dict):
        ((operator, operands),) = condition.items()
        assert operator in CONDITIONS
        assert len(operands) == (1 if operator == "not" else 2)
        for operand in operands:
            yield from _mentioned(operand)
    else:
        assert isinstance(condition, bool)


@pytest.mark.parametrize("name", [n for n, e in FORM.items() if "pattern" in e or "items" in e])
def test_a_pattern_is_valid_and_takes_the_default(name: str) -> None:
    entry = FORM[name]
    pattern = re.compile(entry["pattern"] if "pattern" in entry else entry["items"]["pattern"])
    if "default" in entry:
        assert pattern.search(entry["default"])
    assert not pattern.search("$(id); x")
    if not entry.get("required") and "pattern" in entry:  # a list has no items then
        assert pattern.search(""), "an optional field may be empty"


EXAMPLES = {
    "export_clients": ["10.0.0.0/16", "10.0.0.7", "node-1.hpc.example", "*.hpc.example"],
    "replacement_private_ip": ["10.0.0.12", "255.1.20.199"],
    "replacement_secondary_private_ip": ["10.0.2.12"],
    "service_ip": ["10.0.0.100"],
    "volume_ids": ["ocid1.volume.oc1.ap-tokyo-1." + "a" * 60],
    "dns_name": ["nfs.hpc.example"],
    "mount_path": ["/mnt/a", "/export/home_1"],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_pattern_takes_what_is_right(name: str) -> None:
    entry = FORM[name]
    pattern = entry["pattern"] if "pattern" in entry else entry["items"]["pattern"]
    assert all(re.search(pattern, value) for value in EXAMPLES[name])


@pytest.mark.parametrize("name", [n for n, e in FORM.items() if "default" in e])
def test_a_default_is_a_value_of_its_field(name: str) -> None:
    entry = FORM[name]
    if entry["type"] == "enum":
        assert entry["default"] in entry["enum"]
    if entry["type"] == "integer":
        assert entry.get("minimum", 0) <= entry["default"] <= entry.get("maximum", entry["default"])
    if "default" in VARIABLES[name].body and name != "replacement_shape":
        assert entry["default"] == _default(VARIABLES[name])


def _default(variable: Block) -> Any:
    return text(variable.body["default"])


def test_choices_are_those_that_the_configuration_takes() -> None:
    for name, entry in FORM.items():
        if entry["type"] == "enum":
            rule = VARIABLES[name].body["validation"][0]["condition"]
            assert re.findall(r'"(\w+)"', rule.partition("]")[0]) == entry["enum"], name


def test_what_programs_alone_may_say_is_not_offered() -> None:
    assert FORM["fence"]["enum"] == ["power", "storage"]
    assert FORM["released"]["visible"] is False


def test_outputs_have_labels_and_the_button_is_a_link() -> None:
    outputs = SCHEMA["outputs"]
    assert set(outputs) == set(of_kind("output"))
    assert [name for group in SCHEMA["outputGroups"] for name in group["outputs"]] == list(outputs)
    assert all(entry["title"] for entry in outputs.values())
    button = re.fullmatch(r"\$\{(\w+)\}", SCHEMA["primaryOutputButton"])
    assert button
    assert outputs[button[1]]["type"] == "link"
