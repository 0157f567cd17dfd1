"""What makes a server silent: the network was tried, and a witness shows that it works from here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.model.host.hook_report import HookReport
from failover.model.observation import Observation, Presence
from failover.model.outcome import Unknown
from failover.plan import invariant, model, planner
from failover.plan.model import Plan, StepKind
from failover.plan.silence import Belief, judge
from hooks.contract.result import HookResult, Layer
from tests.unit.failover.plan.site_model import Host, World, attempt, usual

ALONE = replace(usual(up=False), clients=())


def judged(seen: Observation) -> tuple[Belief, str]:
    found = judge(seen.servers["nfs-srv-1"], seen)
    return found.belief, "\n".join((found.reason, *found.evidence))


def with_client_facts(seen: Observation, facts: dict[str, object]) -> Observation:
    layer = Layer("client", "broken", False, 0.0, "", {"servers": {"nfs-srv-1": facts}})
    result = HookResult("check", "client", "nfs-cli", False, False, 0.1, "", (layer,))
    clients = tuple(replace(c, answer=HookReport("nfs-cli", result)) for c in seen.clients)
    return replace(seen, clients=clients)


def test_a_client_that_answers_is_a_witness_and_the_evidence_names_all_that_was_tried() -> None:
    belief, text = judged(usual(up=False).observe("nfs-srv-2"))
    assert belief is Belief.SILENT
    assert "the API says RUNNING" in text
    assert "from op-1: ssh opc@10.0.0.9 port 22 directly, key ~/.ssh/id: no answer within 10 s" in text
    assert "reached from here directly: nfs-cli" in text


@pytest.mark.parametrize("world", [ALONE, replace(usual(up=False), reached=frozenset())])
def test_without_a_witness_it_is_unknown_and_the_remedy_says_what_to_do(world: World) -> None:
    with pytest.raises(Unknown, match="no other host of the site answers from here") as error:
        planner.make(world.observe("nfs-srv-2"))
    assert "run it on a machine that reaches the hosts of the site" in error.value.remedy
    assert "add --unplanned" in error.value.remedy


def test_another_server_is_a_witness_too() -> None:
    world = replace(ALONE, hosts={**ALONE.hosts, "nfs-srv-3": Host("RUNNING", up=True)})
    seen = world.observe("nfs-srv-2")
    third = replace(seen.servers["nfs-srv-3"], attempt=attempt("nfs-srv-3", answered=True))
    seen = replace(seen, servers={**seen.servers, "nfs-srv-3": third})
    assert judged(seen)[0] is Belief.SILENT


def test_a_host_that_is_reached_another_way_is_no_witness() -> None:
    seen = usual(up=False).observe("nfs-srv-2")
    behind = attempt("nfs-srv-1", answered=False, way="through bastion")
    server = replace(seen.servers["nfs-srv-1"], attempt=behind)
    assert judged(replace(seen, servers={**seen.servers, "nfs-srv-1": server}))[0] is Belief.UNKNOWN


@pytest.mark.parametrize(
    "facts", [{"port_2049": "", "answers": False}, {"port_2049": "timed out", "answers": True}]
)
def test_a_client_that_still_reaches_it_is_a_sign_of_life(facts: dict[str, object]) -> None:
    seen = with_client_facts(usual(up=False).observe("nfs-srv-2"), facts)
    belief, text = judged(seen)
    assert belief is Belief.ALIVE
    assert "client nfs-cli" in text
    assert_power_last(planner.make(seen))


def test_a_port_that_accepts_is_a_sign_of_life() -> None:
    world = usual(up=False)
    host = replace(world.hosts["nfs-srv-1"], signs=("port 2049 accepts connections from here",))
    seen = replace(world, hosts={**world.hosts, "nfs-srv-1": host}).observe("nfs-srv-2")
    assert judged(seen)[0] is Belief.ALIVE
    assert_power_last(planner.make(seen))


def assert_power_last(plan: Plan) -> None:
    """Its power is cut only after its successor answers."""
    assert "reach nfs-srv-2" in plan.before("power-off nfs-srv-1")


def test_a_client_that_sees_it_dead_is_no_sign_of_life() -> None:
    seen = with_client_facts(
        usual(up=False).observe("nfs-srv-2"), {"port_2049": "timed out", "answers": False}
    )
    assert judged(seen)[0] is Belief.SILENT


@pytest.mark.parametrize("unplanned", [False, True])
def test_trouble_with_a_holder_is_unknown_unless_the_operator_gives_it_up(unplanned: bool) -> None:
    world = usual()
    host = replace(world.hosts["nfs-srv-1"], trouble="nfs-srv-1 answers SSH, but: the login was refused")
    seen = replace(world, hosts={**world.hosts, "nfs-srv-1": host}).observe("nfs-srv-2")
    if unplanned:
        plan = planner.make(seen, unplanned=True)
        assert plan.before("cut-off nfs-srv-1") == {"launch nfs-srv-2", "reach nfs-srv-2"}
        return
    with pytest.raises(Unknown, match="the login was refused") as error:
        planner.make(seen)
    assert "--unplanned" in error.value.remedy


def test_a_server_that_was_never_tried_is_unknown() -> None:
    seen = usual().observe("nfs-srv-2")
    server = replace(seen.servers["nfs-srv-1"], presence=Presence.NOT_ASKED, answer=None, attempt=None)
    with pytest.raises(Unknown, match="no known address"):
        planner.make(replace(seen, servers={**seen.servers, "nfs-srv-1": server}))


def test_an_api_that_says_it_is_not_running_is_a_witness() -> None:
    seen = replace(usual(power="STOPPING", up=False), clients=()).observe("nfs-srv-2")
    assert judged(seen) == (
        Belief.SILENT,
        "the API says STOPPING\nnfs-srv-1: the API says STOPPING",
    )


def test_a_target_that_is_silent_too_must_answer_before_the_power_is_cut() -> None:
    world = usual(up=False)
    seen = replace(world, hosts={**world.hosts, "nfs-srv-2": Host("RUNNING", up=False)}).observe("nfs-srv-2")
    silent = replace(seen.servers["nfs-srv-2"], presence=Presence.SILENT)
    plan = planner.make(replace(seen, servers={**seen.servers, "nfs-srv-2": silent}))
    assert_power_last(plan)


def test_check_catches_a_power_cut_without_evidence() -> None:
    seen = ALONE.observe("nfs-srv-2")
    bare = Plan("nfs-srv-2", None, (model.Step(StepKind.POWER_OFF, "nfs-srv-1", ""),), ())
    with pytest.raises(AssertionError, match="not known to be silent"):
        invariant.check(bare, seen)
