"""A plan as JSON: nothing of it is lost, and what is derived for people is right."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from failover.plan import document, planner
from failover.plan.model import Plan
from failover.report import plan_table
from tests.unit.failover.plan.site_model import usual

UNPLANNED = planner.make(usual(up=False).observe("nfs-srv-2"))
PLANNED = planner.make(usual().observe("nfs-srv-2"))


@given(st.builds(Plan))
def test_a_plan_comes_back_from_json_as_it_was(plan):
    text = json.dumps(document.document(plan))
    assert document.parse(json.loads(text)) == plan


def test_another_version_is_not_guessed_at():
    found = {**document.document(PLANNED), "version": 2}
    with pytest.raises(ValueError, match="found version 2, expected 1"):
        document.parse(found)


def test_the_document_says_who_is_fenced_and_how_and_which_clients_are_touched():
    found = document.document(UNPLANNED)
    assert found["fences"] == [{"server": "nfs-srv-1", "how": "its power is cut, proven by the API"}]
    assert found["clients"] == ["nfs-cli"]
    assert found["loser"] == "nfs-srv-1"


def test_expected_seconds_are_those_of_the_longest_chain_not_the_sum():
    seconds = {s.name: s.expected_seconds for s in UNPLANNED.steps}
    beside = seconds["power-off nfs-srv-1"]
    assert document.expected_seconds(UNPLANNED) == sum(seconds.values()) - beside


@pytest.mark.parametrize("plan", [PLANNED, UNPLANNED], ids=["planned", "unplanned"])
def test_the_table_shows_every_step_why_and_what_follows(plan):
    out = StringIO()
    plan_table.show(plan, "reboot", Console(file=out, width=80, soft_wrap=True))
    text = out.getvalue()
    words = " ".join(text.split())
    for step in plan.steps:
        assert step.name in text
    assert "loses: nfs-srv-1 loses the volumes" in words
    assert "fenced: nfs-srv-1: " in words
    assert "clients: nfs-cli by reboot" in words
