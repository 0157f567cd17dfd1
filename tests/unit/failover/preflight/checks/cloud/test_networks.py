"""The target has a card in every network that clients mount by, or preflight names the one that it lacks."""

from dataclasses import replace

import pytest

from failover.model.stack_output import Vnic
from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud.networks import judge, unreached
from tests.unit.failover.preflight.ground import FIRST, SECOND, STACK, complete

CARDS = (Vnic("a", "ocid1.subnet.x", "10.0.0.11", True), Vnic("b", "ocid1.subnet.y", "10.0.2.4", False))
OLD = replace(FIRST, vnics=CARDS)
ONE = (Vnic("primary", "ocid1.subnet.x", None, True),)
TWO = (*ONE, Vnic("nfs", "ocid1.subnet.y", None, False))


@pytest.mark.parametrize(
    ("cards", "mounted", "lacking"),
    [
        (ONE, {"10.0.0.11": ["nfs-cli"]}, []),
        (ONE, {"10.0.2.4": ["nfs-cli"]}, ["10.0.2.4"]),
        (TWO, {"10.0.2.4": ["nfs-cli"]}, []),
        (ONE, {"10.9.9.9": ["nfs-cli"]}, []),  # no server's own: the service address, or a stranger
        ((), {"10.0.2.4": ["nfs-cli"]}, []),  # a state of an older terraform/
    ],
)
def test_a_subnet_where_the_target_has_no_card(cards, mounted, lacking) -> None:
    target = replace(SECOND, vnics=cards)
    stack = replace(STACK, servers={"nfs-srv-1": OLD, "nfs-srv-2": target})
    assert [vnic.address for vnic in unreached(stack, target, mounted)] == lacking


def test_it_is_blocking_and_says_what_to_do() -> None:
    found = judge(SECOND, CARDS[1], "10.0.2.0/24", ["a", "b", "c", "d"])
    assert found.outcome is CheckResult.BLOCKING
    assert complete(found)
    assert found.actual == "clients mount 10.0.2.4 (a, b, c and 1 more); nfs-srv-2 has no VNIC in 10.0.2.0/24"
    assert "secondary_vnics with subnet_id = ocid1.subnet.y" in found.remedy
    assert "attach a VNIC in 10.0.2.0/24" in judge(OLD, CARDS[1], "10.0.2.0/24", ["a"]).remedy
