"""The stack as text: formatted, valid, of Terraform 1.5, and documented."""

from typing import Any

import pytest
import yaml

from lab.site.stack import SOURCE
from tests import sources
from tests.terraform.sites.laid_stack import LaidStack
from tests.terraform.text import tables
from tests.terraform.text.hcl import Block, of_kind, parse, references, stack
from tests.terraform.text.language import newer_than_1_5

pytestmark = pytest.mark.checked(sources.TERRAFORM)

SCHEMA = yaml.safe_load((SOURCE / "schema.yaml").read_text())


def test_the_stack_is_formatted(fresh: LaidStack) -> None:
    result = fresh.run("fmt", "-check", "-recursive")
    assert result.returncode == 0, result.stdout


def test_the_stack_is_valid(fresh: LaidStack) -> None:
    result = fresh.run("validate", "-json")
    assert '"valid": true' in result.stdout, result.stdout
    assert '"warning_count": 0' in result.stdout, result.stdout


def test_the_active_file_holds_one_line() -> None:
    assert (SOURCE / "active.auto.tfvars").read_text() == 'active_server = "nfs-srv-1"\n'


def test_no_construct_is_newer_than_terraform_1_5() -> None:
    found = [f"{b.file}: {what}" for b in stack() for what in newer_than_1_5(b)]
    assert found == []


NEWER = {
    "removed {\n  from = oci_core_volume.data\n}": "a removed block",
    'ephemeral "random_password" "a" {\n}': "a ephemeral block",
    'variable "a" {\n  type = string\n  ephemeral = true\n}': "ephemeral in a variable block",
    'variable "a" {\n  validation {\n    condition = var.a != var.b\n  }\n}': "more than a",
    'resource "t" "a" {\n  secret_wo = "x"\n}': "the write-only argument secret_wo",
    'resource "t" "a" {\n  lifecycle {\n    destroy = false\n  }\n}': "destroy in lifecycle",
    "locals {\n  a = provider::oci::f(1)\n}": "the function provider::oci::f",
    'locals {\n  a = "x ${templatestring(local.b, {})}"\n}': "the function templatestring",
    'import {\n  for_each = var.a\n  to = t.a[each.key]\n  id = "x"\n}': "for_each in a import block",
    'import {\n  to = t.a\n  id = "${var.a}"\n}': "an expression as the id",
    'provider "oci" {\n  for_each = toset(["a"])\n}': "for_each in a provider block",
    'mock_provider "oci" {\n}': "a mock_provider block",
    'output "a" {\n  value = 1\n  ephemeral = true\n}': "ephemeral in a output block",
}


@pytest.mark.parametrize("source", NEWER)
def test_a_newer_construct_is_found(source: str) -> None:
    found = [what for block in parse(source + "\n") for what in newer_than_1_5(block)]
    assert any(NEWER[source] in what for what in found), found


def test_quoted_words_are_no_calls() -> None:
    (block,) = parse('locals {\n  a = "ask somebody (now) ${upper("b(c)")}"\n}\n')
    assert list(newer_than_1_5(block)) == []


def test_every_variable_and_output_says_what_it_is() -> None:
    for name, variable in of_kind("variable").items():
        assert variable.body.get("type"), name
        assert variable.body.get("description"), name
    for name, output in of_kind("output").items():
        assert output.body.get("description"), name
        assert not output.body.get("sensitive"), f"{name}: a secret has no place in an output"


def test_nothing_is_declared_in_vain() -> None:
    blocks = stack()
    used = {
        kind: {name for b in blocks for name in references(_without_validation(b), kind)}
        for kind in ("var", "local", "data")
    }
    pickers = {name for entry in SCHEMA["variables"].values() for name in entry.get("dependsOn", {}).values()}
    assert set(of_kind("variable")) - used["var"] - pickers == set()
    assert {name for b in blocks if b.kind == "locals" for name in b.body} - used["local"] == set()
    assert {".".join(b.labels) for b in blocks if b.kind == "data"} - used["data"] == set()


def _without_validation(block: Block) -> Any:
    return {name: value for name, value in block.body.items() if name != "validation"}


def test_no_volume_is_shared_and_none_is_destroyed() -> None:
    objects = {".".join(b.labels): b.body for b in stack() if b.kind == "resource"}
    attachment = objects["oci_core_volume_attachment.data"]
    assert attachment["is_shareable"] is False
    assert attachment["is_read_only"] is False
    for name in ("oci_core_volume.data", "oci_core_instance.server"):
        assert objects[name]["lifecycle"][0]["prevent_destroy"] is True, name
    assert objects["oci_core_instance.server"]["preserve_boot_volume"] is True


def test_the_readme_s_tables_are_current() -> None:
    readme = (SOURCE / "README.md").read_text()
    assert tables.current(readme) == readme, "run `python -m tests.terraform.text.tables`"


def test_the_readme_names_every_file() -> None:
    readme = (SOURCE / "README.md").read_text()
    for file in (*SOURCE.glob("*.tf"), SOURCE / "schema.yaml"):
        assert f"`{file.name}`" in readme or file.name in ("providers.tf", "versions.tf"), file.name


READ = ("*.tf", "tests/*.tftest.hcl", "*.tfvars", "form.toml", "schema.yaml")


@pytest.mark.parametrize("pattern", READ)
def test_lines_can_be_read(pattern: str) -> None:
    files = sorted(SOURCE.glob(pattern))
    assert files
    long = [
        f"{file.name}:{number}: {len(line)} characters"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > 120
    ]
    assert long == []
