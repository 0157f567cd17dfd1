"""Which checks a run makes, and which it does not."""

from types import SimpleNamespace
from typing import Any, cast

from failover.plan.model import Plan, Step, StepKind
from failover.preflight import catalogue, gate
from tests.unit.failover.preflight.ground import SECOND, Bare


def test_what_cannot_be_tried_is_named() -> None:
    assert "LaunchInstance" in catalogue.acting(launches=True)
    assert "LaunchInstance" not in catalogue.acting(launches=False)
    assert "DetachVolume" in catalogue.acting(launches=False)


def test_a_run_plans_with_terraform_only_while_the_old_server_serves() -> None:
    ground = cast(Any, GroundOfCalls())
    planned = {serves: {p.name for p in catalogue.of_a_run(ground, serves)} for serves in (True, False)}
    assert planned[True] - planned[False] == {"terraform plan"}
    assert not {p.name for p in catalogue.HOSTS} & planned[True], "what was observed is not asked again"
    assert {"call GetImage", "call GetSubnet", "image", "capacity"} <= planned[False]


def test_a_plan_that_moves_no_volume_needs_no_prechecks() -> None:
    plan = Plan("nfs-srv-2", None, (Step(StepKind.CLIENT, "nfs-cli", "why"),), ())
    nothing = cast(Any, None)
    assert gate.checks(plan, nothing, nothing) == ()


class GroundOfCalls(Bare):
    """As much of a ground as the list of probes looks at."""

    target = SECOND
    site = SimpleNamespace(ssh=SimpleNamespace(reach=True))

    def instance(self, instance_id: str) -> None:
        pass

    instances = attachments = volume = image = subnet = server_state = instance
