"""docs/before.md has, for each verb, the least statements that let it make the calls that it makes."""

import re

import pytest

from tests import verb_policies
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "before.md").read_text()
STATEMENT = re.compile(r"^allow group <group> to .*$", re.MULTILINE)


def statements(verb: str) -> list[str]:
    """Those of the page's block for this verb."""
    found = re.search(rf"<!-- statements: {verb} -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/before.md has no statements for {verb}"
    return STATEMENT.findall(found[1])


@pytest.mark.parametrize("verb", verb_policies.VERBS)
def test_the_page_has_the_statements_of_the_verb(verb: str) -> None:
    assert statements(verb) == list(verb_policies.least(verb))


def test_the_page_has_no_verb_that_is_not_held_to_its_calls() -> None:
    assert set(re.findall(r"<!-- statements: (\S+) -->", PAGE)) == set(verb_policies.VERBS)


def test_the_strongest_of_a_type_is_the_only_one() -> None:
    found = verb_policies.least_of(["GetVolume", "DeleteVolume", "UpdateVolume"])
    assert found == ("allow group <group> to manage volumes in compartment <compartment>",)
