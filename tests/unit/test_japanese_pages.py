"""The Japanese pages say the same as the English ones: the same commands, rows, figures and code words."""

from __future__ import annotations

import re

import pytest

from tests.paths import ROOT

PAGES = [("README.md", "README.ja.md"), ("docs/runbook.md", "docs/ja/runbook.md")]
# tables of the English README that the Japanese one leaves to it
LEFT_OUT = ("compared in one run",)
CODE = re.compile(r"`([^`]+)`")
FIGURE = re.compile(r"\b\d+ s\b")


def commands(text: str) -> list[str]:
    """The commands of the code blocks, without comments."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("./inv")]


def tables(text: str) -> list[list[str]]:
    """The rows of each table, without its rule."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[row for row in table.splitlines() if not row.startswith("|---")] for table in found]


def words(row: str) -> tuple[list[str], list[str], str]:
    """What no translation changes: code, figures, and a leading number."""
    leading = re.match(r"\| (\d+) \|", row)
    return CODE.findall(row), FIGURE.findall(row), leading.group(1) if leading else ""


@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_the_commands_are_the_same(english: str, japanese: str) -> None:
    found = commands((ROOT / english).read_text())
    assert len(found) >= 3
    assert commands((ROOT / japanese).read_text()) == found


@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_the_tables_are_the_same(english: str, japanese: str) -> None:
    wanted = [
        t
        for t in tables((ROOT / english).read_text())
        if not t[0].startswith(tuple(f"| {x}" for x in LEFT_OUT))
    ]
    found = tables((ROOT / japanese).read_text())
    assert [[words(row) for row in table] for table in found] == [[words(row) for row in t] for t in wanted]


@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_options_that_are_explained_are_the_same(english: str, japanese: str) -> None:
    def options(name: str) -> set[str]:
        return set(re.findall(r"--[a-z]+", (ROOT / name).read_text()))

    assert options(japanese) <= options(english)
    if english != "README.md":
        assert options(japanese) == options(english)


def test_a_change_of_one_page_alone_is_found() -> None:
    text = (ROOT / "docs/runbook.md").read_text()
    assert commands(text.replace("./inv verify\n", "")) != commands(text)
    assert [words(r) for t in tables(text.replace("`launch`", "`start`")) for r in t] != [
        words(r) for t in tables(text) for r in t
    ]
