"""The planner: the plans of the known situations, and its invariant over all situations and interruptions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.model.attachments import Attachments
from failover.model.outcome import Refused, Unknown
from failover.plan import invariant, model, planner
from failover.plan.model import CopyMode, Plan, Step, StepKind
from tests.unit.failover.plan.site_model import SERVERS, VOLUMES, Host, World, usual


def names(plan: Plan) -> list[str]:
    return [s.name for s in plan.steps]


def test_dead_server_is_fenced_beside_the_launch():
    plan = planner.make(usual(up=False).observe("nfs-srv-2"))
    assert names(plan) == [
        "launch nfs-srv-2",
        "reach nfs-srv-2",
        "power-off nfs-srv-1",
        "switch nfs-srv-2",
        "take-over nfs-srv-2",
        "client nfs-cli",
    ]
    assert plan.step("power-off nfs-srv-1").after == ()
    assert plan.before("switch nfs-srv-2") >= {"power-off nfs-srv-1", "reach nfs-srv-2"}
    assert plan.loser == "nfs-srv-1"


def test_a_dead_server_that_is_being_terminated_is_waited_for():
    plan = planner.make(usual(power="TERMINATING", up=False).observe("nfs-srv-2"))
    assert plan.step("power-off nfs-srv-1").why == "the API says TERMINATING: its end is waited for"
    assert "power-off nfs-srv-1" in plan.before("switch nfs-srv-2")


def test_answering_server_serves_until_its_successor_is_ready():
    plan = planner.make(usual().observe("nfs-srv-2"))
    assert "reach nfs-srv-2" in plan.before("release nfs-srv-1")
    assert "power-off nfs-srv-1" not in names(plan)


def test_unplanned_asks_nobody_and_an_answering_server_serves_until_its_successor_is_ready():
    plan = planner.make(usual().observe("nfs-srv-2"), unplanned=True)
    assert not [s for s in plan.steps if s.kind in (StepKind.RELEASE, StepKind.POWER_OFF)]
    assert plan.before("cut-off nfs-srv-1") == {"launch nfs-srv-2", "reach nfs-srv-2"}
    silent = planner.make(usual(up=False).observe("nfs-srv-2"), unplanned=True)
    assert silent.step("cut-off nfs-srv-1").after == ()
    assert "the detach is the fence" in silent.step("cut-off nfs-srv-1").why


def test_unplanned_fences_nobody_who_is_off():
    plan = planner.make(usual(power="STOPPED", up=False).observe("nfs-srv-2"), unplanned=True)
    assert not [s for s in plan.steps if s.kind in model.FENCES]


@pytest.mark.parametrize("copy", ["clone", "backup"])
def test_a_copy_is_made_beside_the_launch_and_before_the_switch(copy: str):
    plan = planner.make(usual(up=False).observe("nfs-srv-2"), copy=CopyMode(copy))
    assert plan.step(f"copy {copy}").after == ()
    assert f"copy {copy}" in plan.before("switch nfs-srv-2")
    done = planner.make(usual().observe("nfs-srv-1"), copy=CopyMode(copy))
    assert not [s for s in done.steps if s.kind is StepKind.COPY]  # nothing is detached


def test_without_the_word_the_detach_is_no_fence():
    plan = planner.make(usual(up=False).observe("nfs-srv-2"))
    assert not [s for s in plan.steps if s.kind is StepKind.CUT_OFF]


def test_stopped_server_needs_no_fence_and_the_plan_says_why():
    plan = planner.make(usual(power="STOPPED", up=False).observe("nfs-srv-2"))
    assert not [s for s in plan.steps if s.kind in (StepKind.RELEASE, StepKind.POWER_OFF)]
    assert any("nfs-srv-1 needs no fence: STOPPED" in note for note in plan.notes)


def test_everything_right_is_an_empty_plan():
    world = replace(usual(), moved=frozenset({"nfs-cli"}))
    assert planner.make(world.observe("nfs-srv-1")).steps == ()


def test_a_silent_active_server_is_waited_for_and_the_plan_says_what_else_to_do():
    plan = planner.make(usual(up=False).observe("nfs-srv-1"))
    assert names(plan)[0] == "reach nfs-srv-1"
    assert "reset it, or choose another" in plan.steps[0].why


def test_a_stranger_that_holds_a_volume_stops_the_plan():
    with pytest.raises(Refused, match="ocid-stranger"):
        planner.make(replace(usual(), stranger=True).observe("nfs-srv-2"))


def test_a_switch_that_terraform_did_not_live_to_record_is_recorded():
    world = replace(usual(), active="nfs-srv-2", moved=frozenset({"nfs-cli"}))
    plan = planner.make(world.observe("nfs-srv-1"))
    assert names(plan)[0] == "switch nfs-srv-1"
    assert "brought up to date" in plan.steps[0].why


@pytest.mark.parametrize("state", ["CREATING_IMAGE", "MOVING"])
def test_a_target_in_another_state_is_refused_by_name(state):
    world = usual(up=False)
    world.hosts["nfs-srv-2"] = Host(state, up=False)
    with pytest.raises(Refused, match=f"nfs-srv-2: its instance is {state}"):
        planner.make(world.observe("nfs-srv-2"))


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("TERMINATED", "launch"),
        ("TERMINATING", "launch"),
        ("STOPPING", "power-on"),
        ("STARTING", "reach"),
    ],
)
def test_a_target_on_its_way_is_taken_from_where_it_is(state, first):
    world = usual(up=False)
    world.hosts["nfs-srv-2"] = Host(state, up=False)
    assert names(planner.make(world.observe("nfs-srv-2")))[0] == f"{first} nfs-srv-2"


def test_a_volume_that_is_attached_twice_stops_the_plan():
    seen = usual().observe("nfs-srv-2")
    (one,) = seen.attachments["bv1"]
    second = replace(one, id="att-2", instance_id="ocid-nfs-srv-2", shareable=True)
    with pytest.raises(Refused, match="bv1 is attached more than once"):
        planner.make(replace(seen, attachments=Attachments({**seen.attachments, "bv1": (one, second)})))


@pytest.mark.parametrize(("holder", "state"), [("nfs-srv-1", "DETACHING"), ("nfs-srv-2", "ATTACHING")])
def test_a_volume_on_its_way_needs_the_switch_and_its_holder_a_fence(holder, state):
    world = replace(usual(up=False), held=dict.fromkeys(VOLUMES, holder), moving={"bv1": state})
    world.hosts["nfs-srv-2"] = Host("RUNNING", up=True)
    plan = planner.make(world.observe("nfs-srv-2"))
    assert "switch nfs-srv-2" in names(plan)
    assert ("power-off nfs-srv-1" in names(plan)) is (holder == "nfs-srv-1")


def test_check_catches_a_switch_without_a_fence():
    seen = usual(up=False).observe("nfs-srv-2")
    bare = Plan("nfs-srv-2", None, (Step(StepKind.SWITCH, "nfs-srv-2", ""),), ())
    with pytest.raises(AssertionError, match="not fenced"):
        invariant.check(bare, seen)


def test_check_catches_a_switch_to_a_server_nobody_has_reached():
    seen = usual(up=False).observe("nfs-srv-2")
    steps = (
        Step(StepKind.POWER_OFF, "nfs-srv-1", ""),
        Step(StepKind.SWITCH, "nfs-srv-2", "", ("power-off nfs-srv-1",)),
    )
    with pytest.raises(AssertionError, match="not known to answer"):
        invariant.check(Plan("nfs-srv-2", None, steps, ()), seen)


hosts = st.builds(
    Host,
    power=st.sampled_from(["RUNNING", "STOPPED", "STOPPING", "STARTING", "TERMINATING", "TERMINATED", None]),
    up=st.booleans(),
    serves=st.booleans(),
    signs=st.sampled_from([(), ("port 2049 accepts connections from here",)]),
    trouble=st.sampled_from(["", "", "", "the login was refused"]),
).map(lambda h: h if h.power == "RUNNING" else Host(h.power, up=False))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any mixture: servers there or not, up or not, volumes split, detached, half moved; clients anyhow."""
    servers = {name: draw(hosts) for name in SERVERS[: draw(st.integers(2, 3))]}
    there = [n for n, h in servers.items() if h.power is not None]
    held = {v: draw(st.sampled_from([None, *there])) for v in VOLUMES}
    # a host that holds nothing serves nothing; the stack's record may lag behind or run ahead of a switch
    servers = {n: h if n in held.values() else replace(h, serves=False) for n, h in servers.items()}
    clients = ("nfs-cli", "nfs-cli-2")[: draw(st.integers(0, 2))]
    moved = frozenset(draw(st.sets(st.sampled_from(clients)))) if clients else frozenset()
    # an attachment may be on its way to where it is, or away from there
    moving = {v: draw(st.sampled_from(["ATTACHED", "ATTACHING", "DETACHING"])) for v in VOLUMES}
    return World(servers, held, draw(st.sampled_from(sorted(servers))), moved, clients, moving=moving)


def orders(plan: Plan) -> list[Step]:
    """The steps in an order that respects `after`."""
    done: list[Step] = []
    waiting = list(plan.steps)
    while waiting:
        step = next(s for s in waiting if set(s.after) <= {d.name for d in done})
        waiting.remove(step)
        done.append(step)
    return done


@given(worlds(), st.data())
@settings(max_examples=400, deadline=None)
def test_every_interrupted_prefix_is_safe_and_the_next_run_ends_it(world, data):
    target = data.draw(st.sampled_from(sorted(world.hosts)))
    unplanned = data.draw(st.booleans())
    try:
        steps = orders(planner.make(world.observe(target), unplanned))
    except (Refused, Unknown):
        return
    for step in steps[: data.draw(st.integers(0, len(steps)))]:
        world = world.after(step)
    try:
        following = orders(planner.make(world.observe(target), unplanned))
    except Unknown:  # what a plan was made on may not be seen any more; nothing is done on a guess
        return
    for step in following:
        world = world.after(step)
    assert set(world.held.values()) == {target}
    assert world.hosts[target].serves
    assert world.moved >= set(world.clients)
    assert planner.make(world.observe(target)).steps == ()


@given(worlds(), st.data())
@settings(max_examples=200, deadline=None)
def test_steps_come_after_what_they_name(world, data):
    target = data.draw(st.sampled_from(sorted(world.hosts)))
    try:
        plan = planner.make(world.observe(target))
    except (Refused, Unknown):
        return
    assert len(set(names(plan))) == len(plan.steps)
    for earlier, later in pairwise(orders(plan)):
        assert later.name not in earlier.after
    for step in plan.steps:
        assert set(step.after) <= set(names(plan))
