"""The form's files are what its table gives, and a row reaches both of them."""

from pathlib import Path

import pytest
import yaml

from failover.bundle import form
from failover.paths import STACK

ROW = """
[[groups]]
title = "More"
[[groups.fields]]
name = "replacement_colour"
type = "string"
title = "Colour"
help = "Of the replacement."
is = "Form: colour of the replacement."
pattern = '(red|gr\\.y)'
must = 'be "red" or "gr.y", or empty.'
shown = "launched"
"""


def test_both_files_are_current() -> None:
    table = form.read()
    assert (STACK / "form.tf").read_text() == form.variables(table), "run `./inv render`"
    assert (STACK / "schema.yaml").read_text() == form.schema(table), "run `./inv render`"


def test_a_row_is_a_variable_and_a_field(tmp_path: Path) -> None:
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + ROW)
    for path in form.write(tmp_path):
        assert "replacement_colour" in path.read_text()
    made = (tmp_path / "form.tf").read_text()
    assert made.endswith(
        """variable "replacement_colour" {
  type        = string
  description = "Form: colour of the replacement."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_colour == "" ||
      can(regex("^(red|gr\\\\.y)$", var.replacement_colour))
    )
    error_message = "replacement_colour must be \\"red\\" or \\"gr.y\\", or empty."
  }
}
"""
    )
    field = yaml.safe_load((tmp_path / "schema.yaml").read_text())["variables"]["replacement_colour"]
    assert field["pattern"] == "^((red|gr\\.y))?$"
    assert field["visible"] == {"not": ["${replacement_exists}"]}


def test_a_condition_has_the_row_s_own_pattern(tmp_path: Path) -> None:
    condition = 'condition = "can(regex(PATTERN, VALUE)) && length(VALUE) < 9"\n'
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + ROW + condition)
    form.write(tmp_path)
    made = (tmp_path / "form.tf").read_text()
    value = "var.replacement_colour"
    assert rf'can(regex("^(red|gr\\.y)$", {value})) && length({value}) < 9' in made


def test_what_the_form_hides_no_plan_shows(tmp_path: Path) -> None:
    hidden = ROW.replace('type = "string"', 'type = "password"')
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + hidden)
    form.write(tmp_path)
    made = (tmp_path / "form.tf").read_text().partition('variable "replacement_colour"')[2]
    assert "  sensitive   = true\n" in made


def test_a_long_description_is_broken_into_lines_that_join_again(tmp_path: Path) -> None:
    text = "Form: colour of the ${replacement}, " + "which takes a while to say, " * 10 + 'and ends in "red".'
    table = ROW.replace('is = "Form: colour of the replacement."', f"is = {text!r}")
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + table)
    form.write(tmp_path)
    made = (tmp_path / "form.tf").read_text().partition('variable "replacement_colour"')[2]
    heredoc = made.partition("<<-EOT\n")[2].partition("\n  EOT\n")[0]
    assert max(map(len, heredoc.splitlines())) <= 120
    assert " ".join(heredoc.split()) == text.replace("${", "$${")


LONG = "(" + "|".join(rf"colour\.{n}" for n in range(100, 110)) + ")"


def test_a_long_pattern_is_broken_and_stays_the_same(tmp_path: Path) -> None:
    table = ROW.replace("'(red|gr\\.y)'", f"'{LONG}'")
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + table)
    form.write(tmp_path)
    made = (tmp_path / "schema.yaml").read_text()
    assert max(map(len, made.splitlines())) <= 120
    assert yaml.safe_load(made)["variables"]["replacement_colour"]["pattern"] == f"^({LONG})?$"


def test_a_long_pattern_without_a_place_to_break_is_an_error(tmp_path: Path) -> None:
    table = ROW.replace("'(red|gr\\.y)'", f"'{'colour' * 20}'")
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + table)
    with pytest.raises(ValueError, match="to break this long pattern before"):
        form.write(tmp_path)


def test_a_kind_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + ROW + 'kind = "colour"\n')
    with pytest.raises(KeyError, match="colour"):
        form.read(tmp_path)


def test_what_is_current_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text())
    before = [path.stat().st_ino for path in form.write(tmp_path)]
    assert [path.stat().st_ino for path in form.write(tmp_path)] == before
