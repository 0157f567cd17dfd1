"""Where attachments are looked for: in the compartments of all instances of the stack."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from failover.cloud.compartments import UNREADABLE, Missing, Places, state_of_missing
from failover.cloud.compute import Cloud
from failover.cloud.inventory import Unanswered
from failover.model.attachments import Attachment
from failover.model.outcome import Unknown
from failover.model.site import TerraformAccess
from failover.model.stack_output import Server, Stack, Volume
from failover.preflight.context import Ground

FIRST = Server("nfs-srv-1", "nfs-srv-1", adopted=True, exists=True, instance_id="i1", address="10.0.0.11")
SECOND = Server("nfs-srv-2", "nfs-srv-2", adopted=False, exists=True, instance_id="i2", address="10.0.0.12")
STACK = Stack("nfs-srv-1", "c", {"nfs-srv-1": FIRST, "nfs-srv-2": SECOND}, {}, {})


def looking(known: dict[str, str]) -> Any:
    def look(instance_id: str) -> str:
        if instance_id not in known:
            raise Missing(f"OCI GetInstance of {instance_id}: HTTP 404", "")
        return known[instance_id]

    return look


def test_every_instance_s_compartment_and_the_stack_s_own() -> None:
    assert Places(looking({"i1": "other", "i2": "c"})).of(STACK) == (("c", "other"), ())


def test_an_instance_is_looked_at_once() -> None:
    asked = []

    def look(instance_id: str) -> str:
        asked.append(instance_id)
        return "c"

    places = Places(look)
    assert places.of(STACK) == places.of(STACK)
    assert asked == ["i1", "i2"]


def test_after_a_404_the_state_s_word_counts_and_else_the_server_is_named() -> None:
    places, unread = Places(looking({})).of(STACK)
    assert places == ("c",), "a launched server is in the stack's own"
    assert [e.reason for e in unread] == [
        "a volume without a visible attachment may be attached to nfs-srv-1, whose compartment is not known: "
        "OCI GetInstance of i1: HTTP 404"
    ]
    told = replace(STACK, servers={"nfs-srv-1": replace(FIRST, compartment_id="other")})
    assert Places(looking({})).of(told) == (("c", "other"), ())


class Api:
    """The compute client: attachments by compartment; a compartment that is not there is answered 404."""

    def __init__(self, attached: dict[str, list[str]], instances: dict[str, str]) -> None:
        self.attached, self.states = attached, instances


class FakeCloud(Cloud):
    """Cloud on `Api`, without the SDK."""

    def __init__(self, api: Api, known: dict[str, str]) -> None:
        self._api, self._places = api, Places(looking(known))
        self._compute = SimpleNamespace(list_volume_attachments=None, list_instances=None)

    def _all(self, operation: str, function: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if operation == "ListInstances":
            return [SimpleNamespace(id=i, lifecycle_state=s) for i, s in self._api.states.items()]
        if args[0] not in self._api.attached:
            raise Missing(f"{operation}: HTTP 404", "")
        return [_attachment(one) for one in self._api.attached[args[0]]]

    def instance_state(self, instance_id: str) -> str:
        raise Missing(f"OCI GetInstance of {instance_id}: HTTP 404", "")


def _attachment(name: str) -> Any:
    return SimpleNamespace(
        id=name, volume_id="v", instance_id="i1", lifecycle_state="ATTACHED", is_shareable=False
    )


def attached(api: dict[str, list[str]], known: dict[str, str]) -> list[str]:
    return [a.id for a in FakeCloud(Api(api, {}), known).attachments(STACK, "v")]


def test_attachments_are_found_where_their_instance_is() -> None:
    assert attached({"c": [], "other": ["a1"]}, {"i1": "other", "i2": "c"}) == ["a1"]


def test_attached_to_nobody_is_not_believed_of_what_was_not_looked_into() -> None:
    with pytest.raises(Unknown, match="may be attached to nfs-srv-1"):
        attached({"c": []}, {"i2": "c"})
    with pytest.raises(Unknown, match="ListVolumeAttachments of v: HTTP 404"):
        attached({"c": []}, {"i1": "other", "i2": "c"})
    assert attached({"c": ["a1"]}, {"i2": "c"}) == ["a1"], "a volume has one holder: the rest does not matter"


def test_the_state_after_a_404() -> None:
    listed = FakeCloud(Api({}, {"i2": "RUNNING"}), {})
    with pytest.raises(Missing):
        listed.server_state(SECOND, STACK, holds=False)
    assert FakeCloud(Api({}, {}), {}).server_state(SECOND, STACK, holds=False) == "TERMINATED"
    assert FakeCloud(Api({}, {"i2": "TERMINATED"}), {}).server_state(SECOND, STACK, False) == "TERMINATED"
    assert FakeCloud(Api({}, {}), {}).server_state(FIRST, STACK, holds=False) == UNREADABLE
    with pytest.raises(Missing):
        FakeCloud(Api({}, {}), {}).server_state(FIRST, STACK, holds=True)


@pytest.mark.parametrize(
    ("server", "holds", "listed", "state"),
    [
        (SECOND, False, False, "TERMINATED"),
        (SECOND, True, False, None),
        (SECOND, False, True, None),
        (FIRST, False, False, UNREADABLE),
        (FIRST, True, False, None),
    ],
)
def test_what_a_404_proves(server: Server, holds: bool, listed: bool, state: str | None) -> None:
    assert state_of_missing(server, STACK, lambda: holds, lambda place: listed and place == "c") == state


class Reads:
    """The prechecks' reads: nfs-srv-2 is answered with 404 and not listed."""

    def __init__(self, holder: str) -> None:
        self.holder = holder

    def instance(self, instance_id: str) -> Any:
        if instance_id == "i2":
            raise Unanswered("GetInstance of i2", 404, "HTTP 404")
        return SimpleNamespace(compartment_id="c", state="RUNNING")

    def instances(self, _: str) -> tuple[Any, ...]:
        return ()

    def attachments(self, place: str, volume_id: str) -> tuple[Attachment, ...]:
        return (Attachment("a1", volume_id, self.holder, "ATTACHED", "iqn.x", "169.254.2.2", 3260, False),)


@pytest.mark.parametrize("holder", ["i1", "i2"])
def test_preflight_judges_a_404_as_a_run_does(holder: str, tmp_path: Path) -> None:
    stack = replace(STACK, volumes={"bv1": Volume("bv1", "v", "a1", holder, "iqn.x", "169.254.2.2", 3260)})
    site = SimpleNamespace(terraform=TerraformAccess(tmp_path, {}))
    doors = SimpleNamespace(site=site, runner=None, hosts=None, observer=None, reads=Reads(holder))
    ground = Ground(cast(Any, doors), stack, "nfs-srv-2")
    if holder == "i1":
        assert ground.server_state(SECOND) == "TERMINATED"
    else:
        with pytest.raises(Unanswered):
            ground.server_state(SECOND)
