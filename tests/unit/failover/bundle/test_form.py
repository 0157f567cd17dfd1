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


def test_what_the_form_hides_no_plan_shows(tmp_path: Path) -> None:
    hidden = ROW.replace('type = "string"', 'type = "password"')
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + hidden)
    form.write(tmp_path)
    made = (tmp_path / "form.tf").read_text().partition('variable "replacement_colour"')[2]
    assert "  sensitive   = true\n" in made


def test_a_kind_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text() + ROW + 'kind = "colour"\n')
    with pytest.raises(KeyError, match="colour"):
        form.read(tmp_path)


def test_what_is_current_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / form.TABLE).write_text((STACK / form.TABLE).read_text())
    before = [path.stat().st_ino for path in form.write(tmp_path)]
    assert [path.stat().st_ino for path in form.write(tmp_path)] == before
