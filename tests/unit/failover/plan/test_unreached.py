"""Where hosts are not reached over SSH: what is planned all the same, and what is not claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.model.finding import Finding
from failover.model.observation import Observation, Presence
from failover.model.outcome import Refused
from failover.observe import console_line
from failover.plan import planner
from failover.plan.model import StepKind
from failover.verify import findings
from tests.unit.failover.plan.site_model import Host, World, usual

IDS = ("ocid1.volumeattachment.oc1..b", "ocid1.volumeattachment.oc1..a")


def unreached(world: World, target: str = "nfs-srv-2", in_service: tuple[str, ...] = ()) -> Observation:
    """The world as an observer sees it who asks no host."""
    seen = world.observe(target)
    servers = {
        name: replace(s, presence=Presence.NOT_ASKED, answer=None, in_service=name in in_service)
        for name, s in seen.servers.items()
    }
    clients = tuple(replace(c, presence=Presence.NOT_ASKED, answer=None) for c in seen.clients)
    return replace(seen, servers=servers, clients=clients, reach=False)


def test_a_server_that_runs_is_fenced_by_its_power_never_by_a_release() -> None:
    plan = planner.make(unreached(usual(up=True, serves=True)))
    assert [s.kind for s in plan.steps] == [
        StepKind.LAUNCH,
        StepKind.REACH,
        StepKind.POWER_OFF,
        StepKind.SWITCH,
        StepKind.TAKE_OVER,
    ]
    assert plan.step("power-off nfs-srv-1").why == (
        "hosts are not reached from here: its power is cut and proven off"
    )
    assert "its own boot service brings the volumes up" in plan.step("take-over nfs-srv-2").why
    assert plan.notes == ("client nfs-cli is not reached from here: it is left alone, not verified",)


def test_a_standby_server_must_show_that_it_has_booted() -> None:
    standby = usual()
    world = replace(standby, hosts={**standby.hosts, "nfs-srv-2": Host("RUNNING", up=True)})
    plan = planner.make(unreached(world))
    assert plan.step("reach nfs-srv-2").why.startswith("its console must show")
    assert "reach nfs-srv-2" in plan.before("switch nfs-srv-2")


def served(active: str) -> World:
    hosts = {"nfs-srv-1": Host("STOPPED", up=False), "nfs-srv-2": Host("RUNNING", up=True, serves=True)}
    return World(hosts=hosts, held={"bv1": active, "bv2": active}, active=active)


def test_a_target_whose_console_says_so_has_nothing_to_do_and_is_verified_by_it() -> None:
    seen = unreached(served("nfs-srv-2"), in_service=("nfs-srv-2",))
    assert planner.make(seen).steps == ()
    (finding,) = (f for f in _findings(seen) if f.subject == "server nfs-srv-2")
    assert finding.ok
    assert not [f for f in _findings(seen) if f.subject.startswith("client")]


def test_a_target_whose_console_is_silent_is_waited_for_and_not_right() -> None:
    seen = unreached(served("nfs-srv-2"))
    assert [s.kind for s in planner.make(seen).steps] == [StepKind.REACH, StepKind.TAKE_OVER]
    (finding,) = (f for f in _findings(seen) if f.subject == "server nfs-srv-2")
    assert not finding.ok


def adopted(seen: Observation, name: str) -> Observation:
    server = replace(seen.servers[name].server, adopted=True)
    return replace(seen, servers={**seen.servers, name: replace(seen.servers[name], server=server)})


def test_an_adopted_server_has_no_boot_service_and_cannot_take_over_from_here() -> None:
    world = replace(served("nfs-srv-2"), hosts={"nfs-srv-1": Host("RUNNING", up=True), **served("x").hosts})
    with pytest.raises(Refused, match="nfs-srv-1 is adopted and has no boot service") as refused:
        planner.make(adopted(unreached(world, target="nfs-srv-1"), "nfs-srv-1"))
    assert refused.value.remedy == "run it on a machine that reaches the hosts"


def test_an_adopted_server_that_has_the_volumes_is_left_alone_and_that_is_said() -> None:
    seen = adopted(unreached(usual(), target="nfs-srv-1"), "nfs-srv-1")
    plan = planner.make(seen)
    assert plan.steps == ()
    assert "whether nfs-srv-1 serves was not looked at: hosts are not reached from here" in plan.notes


def _findings(seen: Observation) -> list[Finding]:
    class Settled:
        def plan(self) -> object:
            class Empty:
                changes = ()

            return Empty()

        def discard(self, plan: object) -> None:
            """There is no file."""

    return list(findings.verify(seen, Settled(), tuple)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        (console_line.line(IDS), True),
        (f"[  12.3] sh[411]: {console_line.line(IDS)}\r\nlogin: ", True),
        (console_line.line(IDS[:1]), False),
        (console_line.line((*IDS, "ocid1.other")), False),
        (f"{console_line.line(IDS)}\n{console_line.line(('ocid1.later',))}\n", False),
        (f"{console_line.line(('ocid1.earlier',))}\n{console_line.line(IDS)}\n", True),
    ],
)
def test_only_the_newest_line_with_these_very_attachments_counts(text: str, expected: bool) -> None:
    assert console_line.in_service(text, IDS) is expected
    assert not console_line.in_service(text, ())
