"""The picture of Resource Manager's form: what it shows and hides follows from schema.yaml."""

from __future__ import annotations

import pytest
import yaml

from tests.page.form_page import EXAMPLE, SCHEMA, page, visible
from tests.page.test_page import BROWSER, browse, colours_of


def test_what_a_person_fills_in_is_there_and_what_programs_pass_is_not():
    text = page(EXAMPLE)
    variables = yaml.safe_load(SCHEMA.read_text())["variables"]
    assert f">{variables['active_server']['title']}" in text
    assert 'id="volume_ids"' in text
    for hidden in ("released", "switch", "servers", "launch"):
        assert f'id="{hidden}"' not in text


def test_an_existing_replacement_is_picked_and_needs_no_image():
    launched, adopted = page(EXAMPLE), page({**EXAMPLE, "replacement_exists": True})
    assert 'id="replacement_image_id"' in launched
    assert 'id="replacement_instance_id"' not in launched
    assert 'id="replacement_image_id"' not in adopted
    assert 'id="replacement_instance_id"' in adopted


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (False, False),
        ("${on}", True),
        ({"not": ["${on}"]}, False),
        ({"and": ["${on}", "${off}"]}, False),
        ({"or": ["${on}", "${off}"]}, True),
        ({"eq": ["${word}", "power"]}, True),
    ],
)
def test_conditions(rule, expected):
    assert visible(rule, {"on": True, "off": False, "word": "power"}) is expected


@pytest.mark.skipif(not BROWSER, reason="chromium is not installed")
def test_a_browser_draws_it(tmp_path):
    (tmp_path / "report.html").write_text(page(EXAMPLE))
    browse(tmp_path, f"--screenshot={tmp_path / 'form.png'}", "--window-size=800,1400")
    assert colours_of(tmp_path / "form.png")[(0xEE, 0xF3, 0xF7)] > 2000  # pixels of the pickers' own colour
