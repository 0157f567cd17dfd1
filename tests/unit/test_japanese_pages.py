"""The Japanese pages say the same as the English ones: commands, rows, figures, links, code words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from tests.paths import ROOT

PAGES = [("README.md", "README.ja.md"), ("docs/runbook.md", "docs/ja/runbook.md")]
CODE = re.compile(r"`([^`]+)`")
BLOCK = re.compile(r"^```\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
# [0-9A-Za-z] and no \b: a Japanese letter is a word's letter to `re`
FIGURE = re.compile(r"(?<![0-9A-Za-z.])(\d+\.\d+(?: s| GiB)?|\d+ s)(?![0-9A-Za-z])")
PAGE = re.compile(r"docs/[\w/.-]+\.md(?:#[\w-]+)?")
ADDRESS = re.compile(r"https://[^\s)]+")
FILE = re.compile(r"(?<![\w./-])[\w./-]+(?:/|\.(?:py|md|ya?ml|toml|lock))(?![\w/])", re.ASCII)


def commands(text: str) -> list[str]:
    """The commands of the code blocks, without comments."""
    lines = [line.split("#")[0].strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line for line in lines if line.startswith("./inv")]


def tables(text: str) -> list[list[str]]:
    """The rows of each table, without its rule."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[row for row in table.splitlines() if not row.startswith("|---")] for table in found]


def words(row: str) -> tuple[list[str], list[str], str]:
    """What no translation changes: code, figures, and a leading number."""
    leading = re.match(r"\| (\d+) \|", row)
    return CODE.findall(row), FIGURE.findall(row), leading.group(1) if leading else ""


def outline(text: str) -> list[str]:
    """The page's form in order: headings by their level, paragraphs with a lead, bullets, tables, code."""
    parts = re.findall(r"^(?:#+ |- |\||```|(?<=\n\n)\*\*)", text, re.MULTILINE)
    return [part for part, before in zip(parts, ["", *parts], strict=False) if part != "|" or before != "|"]


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z]+(?:-[a-z]+)*", text))


def code_words(text: str) -> set[str]:
    return set(CODE.findall(BLOCK.sub("", text)))


def figures(text: str) -> Counter[str]:
    return Counter(FIGURE.findall(text))


def pages(text: str) -> set[str]:
    """The pages and addresses that are named; a page that is there in Japanese counts as the English one."""
    return {name.replace("docs/ja/", "docs/") for name in PAGE.findall(text)} | set(ADDRESS.findall(text))


def files(text: str) -> list[set[str]]:
    """The files and folders that each code block explains, one set a block; commands have none."""
    blocks = [line for line in BLOCK.findall(text) if not line.startswith("./inv")]
    return [set(FILE.findall(block)) for block in blocks]


Aspect = Callable[[str], object]
ASPECTS: list[Aspect] = [outline, options, code_words, figures, pages, files]


@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_the_commands_are_the_same(english: str, japanese: str) -> None:
    found = commands((ROOT / english).read_text())
    assert len(found) >= 3
    assert commands((ROOT / japanese).read_text()) == found


@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_the_tables_are_the_same(english: str, japanese: str) -> None:
    wanted, actual = (tables((ROOT / name).read_text()) for name in (english, japanese))
    assert [[words(row) for row in table] for table in actual] == [[words(row) for row in t] for t in wanted]


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize(("english", "japanese"), PAGES)
def test_what_no_translation_changes_is_the_same(aspect: Aspect, english: str, japanese: str) -> None:
    assert aspect((ROOT / japanese).read_text()) == aspect((ROOT / english).read_text())


@pytest.mark.parametrize(
    ("aspect", "of_english", "of_japanese"),
    [
        (commands, "./inv verify\n", ""),
        (tables, "`launch`", "`start`"),
        (outline, "\n- `--take-over`", "\n`--take-over`"),
        (options, "--hold", "--keep"),
        (code_words, "`standby = true`", "`standby`"),
        (figures, "takes ten or more", "takes 600 s or more"),
        (pages, "docs/status.md", "docs/state.md"),
    ],
)
def test_a_change_of_one_page_alone_is_found(aspect: Aspect, of_english: str, of_japanese: str) -> None:
    text = (ROOT / "docs/runbook.md").read_text()
    assert of_english in text
    assert aspect(text.replace(of_english, of_japanese)) != aspect(text)


def test_a_folder_that_one_map_lacks_is_found() -> None:
    text = (ROOT / "README.md").read_text()
    assert files(text.replace("bundle/:", "the rest:")) != files(text)
