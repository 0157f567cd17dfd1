"""The rule on which the invariant stands: attached exactly once, ATTACHED, to the target."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.model.attachments import Attachment, Attachments
from failover.model.stack_output import Server, Stack

FIRST = Server("nfs-srv-1", "nfs-srv-1", adopted=True, exists=True, instance_id="i1", address="10.0.0.11")
STACK = Stack("nfs-srv-1", "c", {"nfs-srv-1": FIRST}, {}, {})
ONE = Attachment("a1", "v1", "i1", "ATTACHED", "iqn.x", "169.254.2.2", 3260, False)


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ((ONE,), True),
        ((), False),
        ((replace(ONE, state="ATTACHING"),), False),
        ((replace(ONE, state="DETACHING"),), False),
        ((replace(ONE, instance_id="i2"),), False),
        ((ONE, replace(ONE, id="a2")), False),
        ((ONE, replace(ONE, id="a2", instance_id="i2", state="DETACHING")), False),
    ],
)
def test_the_rule(found: tuple[Attachment, ...], right: bool) -> None:
    attachments = Attachments({"bv1": found, "bv2": (replace(ONE, id="b", volume_id="v2"),)})
    assert attachments.is_only_on("bv1", "i1") is right
    assert attachments.misplaced("i1") == ([] if right else ["bv1"])
    assert not Attachments({"bv1": ()}).is_only_on("bv1", None)


def test_who_holds_what_and_in_which_words() -> None:
    other = replace(ONE, id="a2", instance_id="i9", state="DETACHING")
    attachments = Attachments({"bv1": (ONE,), "bv2": (other,), "bv3": ()})
    assert attachments.held_by("i1") == {"bv1": ONE}
    assert [one.id for one in attachments.all()] == ["a1", "a2"]
    assert [attachments.describe(name, STACK) for name in attachments] == [
        "ATTACHED to nfs-srv-1",
        "DETACHING to i9 (no server of this stack)",
        "not attached",
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["i1", "i2"]), st.sampled_from(["ATTACHED", "ATTACHING"])), max_size=3)
)
def test_at_most_one_instance_has_a_volume_for_itself(found: list[tuple[str, str]]) -> None:
    many = [replace(ONE, id=str(n), instance_id=i, state=s) for n, (i, s) in enumerate(found)]
    attachments = Attachments({"bv1": many})
    assert sum(attachments.is_only_on("bv1", i) for i in ("i1", "i2")) <= 1
    assert not attachments.is_only_on("bv1", None)
