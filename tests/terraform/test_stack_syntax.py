"""The stack as text: formatted, valid, of Terraform 1.5, and documented."""

import re

import hcl2
import pytest

from lab.stack import SOURCE
from tests.terraform.laid_stack import LaidStack


def test_the_stack_is_formatted(fresh: LaidStack) -> None:
    result = fresh.run("fmt", "-check", "-recursive")
    assert result.returncode == 0, result.stdout


def test_the_stack_is_valid(fresh: LaidStack) -> None:
    result = fresh.run("validate", "-json")
    assert '"valid": true' in result.stdout, result.stdout
    assert '"warning_count": 0' in result.stdout, result.stdout


def test_the_active_file_holds_one_line() -> None:
    assert (SOURCE / "active.auto.tfvars").read_text() == 'active_server = "nfs-srv-1"\n'


@pytest.mark.parametrize(
    "construct", [r"^removed\b", r"\bephemeral\b", r"_wo\b", r"provider::", r"mock_provider"]
)
def test_no_construct_is_newer_than_terraform_1_5(construct: str) -> None:
    for file in SOURCE.glob("*.tf"):
        assert not re.search(construct, file.read_text(), re.MULTILINE), f"{construct} in {file.name}"


def test_validations_refer_to_their_own_variable_only() -> None:
    for block in hcl2.loads((SOURCE / "variables.tf").read_text())["variable"]:
        ((name, body),) = block.items()
        for validation in body.get("validation", []):
            used = set(re.findall(r"\bvar\.(\w+)", validation["condition"]))
            assert used == {name.strip('"')}, f"validation of {name} uses {used}"


def test_every_variable_is_typed_described_and_in_the_readme() -> None:
    readme = (SOURCE / "README.md").read_text()
    for block in hcl2.loads((SOURCE / "variables.tf").read_text())["variable"]:
        ((name, body),) = block.items()
        assert body.get("type"), name
        assert body.get("description"), name
        row = "| `" + name.strip('"') + "` |"
        assert row in readme, f"{name} is not in the README's table"
