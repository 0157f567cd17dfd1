"""The forecast of a plan: of measured steps where there are any, and it says of which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.plan import document, planner
from failover.plan.forecast import forecast
from failover.plan.model import Step, StepKind
from tests.unit.failover.plan.site_model import usual

PLANNED = planner.make(usual().observe("nfs-srv-2"))
UNPLANNED = planner.make(usual(up=False).observe("nfs-srv-2"))
SETTLED = planner.make(usual().observe("nfs-srv-1"))  # only the client is brought over
times = st.lists(st.floats(0.1, 5000), min_size=1, max_size=8)


@pytest.mark.parametrize("plan", [PLANNED, UNPLANNED, SETTLED])
def test_without_figures_it_is_of_usual_values_and_says_so(plan):
    found = forecast(plan, {})
    assert found.seconds == document.expected_seconds(plan)
    assert "no step was measured" in found.source


def test_a_planned_outage_begins_with_the_release_and_not_with_the_launch():
    measured = {"launch": [600.0], "reach": [60.0], "release": [7.0], "switch": [50.0], "take-over": [9.0]}
    found = forecast(PLANNED, {**measured, "client": [3.0]})
    assert found.outage == 7 + 50 + 9
    assert found.seconds == 600 + 60 + 7 + 50 + 9 + 3
    assert found.source == (
        "measured on this site: launch (1), reach (1), release (1), switch (1), take-over (1), client (1)"
    )


def test_an_unplanned_outage_has_the_launch_in_it_and_the_power_off_beside_it():
    measured = {"launch": [600.0], "reach": [60.0], "power-off": [30.0], "switch": [50.0]}
    found = forecast(UNPLANNED, {**measured, "take-over": [9.0]})
    assert found.outage == 600 + 60 + 50 + 9
    assert found.usual == ("client",)
    assert found.source.endswith("; usual values for client")


def test_the_longest_of_the_newest_five_counts():
    measured = {"take-over": [999.0, 1.0, 2.0, 8.0, 3.0, 4.0]}
    assert forecast(PLANNED, measured).steps["take-over nfs-srv-2"] == 8.0


def test_a_row_that_stands_for_several_steps_has_the_longest_one_s_seconds():
    found = forecast(PLANNED, {"client": [4.0, 9.0]})
    assert found.of(Step(StepKind.CLIENT, "gpu-[0-199]", "they mount the old server")) == 9.0
    assert found.of(Step(StepKind.POWER_OFF, "nfs-srv-1", "it is silent")) == 60.0


def test_a_plan_that_moves_no_service_has_no_outage():
    assert forecast(SETTLED, {}).outage is None


@given(st.dictionaries(st.sampled_from([k.value for k in StepKind]), times))
def test_the_outage_is_within_the_plan_and_no_step_is_left_out(measured):
    for plan in (PLANNED, UNPLANNED):
        found = forecast(plan, measured)
        assert set(found.steps) == {s.name for s in plan.steps}
        assert found.outage is not None
        assert 0 < found.outage <= found.seconds
        assert set(found.measured) | set(found.usual) == {s.kind.value for s in plan.steps}
        assert set(found.measured) <= set(measured)
