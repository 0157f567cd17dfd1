"""Each test of the lab's API, the stand-in provider and the stack names what it was compared with."""

import ast
from pathlib import Path

import pytest

from failover.bundle.syntax import parse
from tests.paths import ROOT

FILES = sorted(p for room in ("api", "terraform") for p in (ROOT / "tests" / room).rglob("test_*.py"))
MARKS = {"checked", "own_rule"}
# The files that ran with the real provider that day. One that is written since has another source.
WITH_THE_PROVIDER = {
    "api/test_resource_manager.py",
    "terraform/before/test_canaries.py",
    "terraform/before/test_preflight.py",
    "terraform/faults/test_faults.py",
    "terraform/flow/test_flow.py",
    "terraform/flow/test_gitops_door.py",
    "terraform/flow/test_resource_manager.py",
    "terraform/flow/test_resume.py",
    "terraform/flow/test_unplanned.py",
    "terraform/flow/test_unreached_site.py",
    "terraform/flow/test_verbs.py",
    "terraform/provider/test_hazards.py",
    "terraform/stack/test_failover.py",
    "terraform/stack/test_fence.py",
    "terraform/stack/test_form.py",
    "terraform/stack/test_plan_first.py",
    "terraform/stack/test_refusals.py",
    "terraform/stack/test_sites.py",
    "terraform/stack/test_state_backends.py",
    "terraform/stack/test_switch_record.py",
    "terraform/stack/test_terraform_test.py",
}


def marks(nodes: list[ast.expr]) -> set[str]:
    """The names of the marks in these expressions: `pytest.mark.NAME` and `pytest.mark.NAME(...)`."""
    return {n.attr for node in nodes for n in ast.walk(node) if isinstance(n, ast.Attribute)} & MARKS


def of_the_file(tree: ast.Module) -> set[str]:
    """The marks that the file's `pytestmark` gives to all of its tests."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    return marks(values)


def unmarked(text: str) -> list[str]:
    """The tests that have neither of the marks, or both."""
    tree = parse(text)
    common = of_the_file(tree)
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    return [t.name for t in tests if len(common | marks(t.decorator_list)) != 1]


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(ROOT / "tests")))
def test_every_test_names_its_source(file: Path) -> None:
    how = "mark it @pytest.mark.checked(source) or @pytest.mark.own_rule: see tests/sources.py"
    assert unmarked(file.read_text()) == [], how


def test_only_what_ran_with_the_real_provider_says_so() -> None:
    named = {str(f.relative_to(ROOT / "tests")) for f in FILES if "sources.RUN" in f.read_text()}
    assert named == WITH_THE_PROVIDER


def test_a_test_without_a_mark_is_found() -> None:
    both = "@pytest.mark.own_rule\n@pytest.mark.checked('x')\ndef test_b(): ...\n"
    assert unmarked("def test_a(): ...\n" + both) == ["test_a", "test_b"]
    assert unmarked("pytestmark = pytest.mark.own_rule\ndef test_a(): ...\n") == []
