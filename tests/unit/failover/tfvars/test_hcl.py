"""What is written is read back as it was, and `terraform fmt` has nothing to change of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from failover.tfvars import hcl, hcl_reader

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
# "$${" is how Terraform itself spells "${": a text that has it already would be read as that (hcl/spec.md)
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n\t")).filter(
    lambda text: "$${" not in text and "%%{" not in text
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS.filter(bool), inner, max_size=3)
    ),
    max_leaves=12,
)
FILES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)
NONE: frozenset[hcl.Path] = frozenset()


@given(FILES)
@example({"a": {"0": None, " = ": None, 'b" = ': "c = {"}})
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    assert hcl_reader.read(hcl.body(values, {}, NONE, NONE)) == values


@given(FILES, st.text('abc #"{}[]=,\n\r\x00\u2028\ud800', max_size=12))
def test_a_comment_is_no_value(values: dict[str, Any], comment: str) -> None:
    comments = {(name,): [comment] for name in values}
    assert hcl_reader.read(hcl.body(values, comments, NONE, NONE)) == values


def test_a_byte_order_mark_is_passed_over() -> None:
    assert hcl_reader.read('\ufeffregion = "x"\n') == {"region": "x"}


@given(st.text())
def test_a_text_that_is_none_is_said_with_its_line(text: str) -> None:
    try:
        told = "line 0" if isinstance(hcl_reader.read(text), dict) else ""
    except hcl_reader.NotLiteral as error:
        told = str(error)
    assert told.startswith("line ")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        NAMES, st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3)), min_size=1, max_size=3
    )
)
def test_terraform_fmt_has_nothing_to_change(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "some.auto.tfvars"
    path.write_text(hcl.body(values, {}, NONE, NONE), encoding="utf-8")
    ran = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", path], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('a = "b" # c\n', {"a": "b"}),
        ('a = {\n  b : 1,\n  "c d" = [true, null,]\n}', {"a": {"b": 1, "c d": [True, None]}}),
        ("/* a = 1\n*/ b = 2.5 // c\r\n", {"b": 2.5}),
        ("keys = <<-EOT\n    one\n      two\n    EOT\nb = 1\n", {"keys": "one\n  two\n", "b": 1}),
        ("keys = <<EOT\n  one\nEOT", {"keys": "  one\n"}),
        ('a = "$${b}\\n"', {"a": "${b}\n"}),
        ("", {}),
    ],
)
def test_files_as_people_write_them(text: str, values: dict[str, Any]) -> None:
    assert hcl_reader.read(text) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = b\n", "line 1: found 'b', expected a value written out"),
        ("a = 1\na = 2\n", "line 2: found a a second time, expected each variable once"),
        ('a = "${b}"\n', "line 1: found a template, expected a text without ${ }"),
        ("a = [1\n", "expected a comma or ]"),
        ("a = { b 1 }", "expected = after a name"),
        ("a = 1 b = 2", "expected the end of the line"),
        ("a = <<EOT\nb\n", "EOT on a line of its own at its end"),
        ("a = jsonencode({})", "expected a value written out"),
    ],
)
def test_what_is_no_literal_is_named(text: str, words: str) -> None:
    with pytest.raises(hcl_reader.NotLiteral) as raised:
        hcl_reader.read(text)
    assert words in str(raised.value)
