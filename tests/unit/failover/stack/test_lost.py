"""Records of the state that the API no longer knows: two witnesses, or none is forgotten."""

from typing import Any, cast

import pytest

from failover.cloud.inventory import Unanswered
from failover.cloud.resources import InstanceFacts, PrivateIp
from failover.model.outcome import Refused
from failover.stack import addresses, lost
from failover.stack.errors import explained

SECOND = 'oci_core_instance.server["nfs-srv-2"]'
STATE = {
    "resources": [
        {
            "mode": "managed",
            "type": "oci_core_instance",
            "name": "server",
            "instances": [{"index_key": "nfs-srv-2", "attributes": {"id": "i2", "compartment_id": "c"}}],
        },
        {
            "mode": "managed",
            "type": "oci_core_private_ip",
            "name": "service",
            "instances": [
                {"index_key": 0, "attributes": {"id": "p", "subnet_id": "s", "ip_address": "10.0.0.200"}}
            ],
        },
        {
            "mode": "managed",
            "type": "oci_core_volume_attachment",
            "name": "data",
            "instances": [
                {
                    "index_key": "bv1",
                    "attributes": {"id": "a", "compartment_id": "c", "volume_id": "v"},
                }
            ],
        },
        {
            "mode": "managed",
            "type": "oci_core_vnic_attachment",
            "name": "secondary",
            "instances": [{"index_key": "nfs-srv-2/nfs", "attributes": {"id": "n", "compartment_id": "c"}}],
        },
        {"mode": "data", "type": "oci_core_instance", "name": "adopted", "instances": []},
    ]
}
ALL = (addresses.INSTANCE, addresses.ATTACHMENT, addresses.SERVICE_ADDRESS, addresses.VNIC)


class Reads:
    """An API that answers every look at one object with `status`, and lists what `listed` says."""

    def __init__(self, status: int | None, listed: bool) -> None:
        self._status, self._listed = status, listed

    def instance(self, _: str) -> str:
        if self._status == 200:
            return "RUNNING"
        raise Unanswered("Get", self._status, "no")

    private_ip = attachment_state = vnic_attachment_state = instance

    def instances(self, _: str) -> tuple[InstanceFacts, ...]:
        return (InstanceFacts("i2", "nfs-srv-2", "RUNNING", "ad", ()),) if self._listed else ()

    def attachments(self, *_: str) -> tuple[Any, ...]:
        return (type("Attachment", (), {"id": "a"}),) if self._listed else ()

    def vnic_attachments(self, _: str) -> frozenset[str]:
        return frozenset({"n"} if self._listed else ())

    def private_ips(self, _: str) -> tuple[PrivateIp, ...]:
        by_hand = PrivateIp("another", "10.0.0.200", is_primary=False, vnic_id="v")
        return (by_hand, PrivateIp("p", "10.0.0.200", False, "v")) if self._listed else (by_hand,)


def found(status: int | None, listed: bool, kinds: tuple[str, ...] = ALL) -> tuple[str, ...]:
    return lost.lost(STATE, kinds, cast(Any, Reads(status, listed)))


def test_what_is_answered_404_and_in_no_list_is_lost() -> None:
    assert found(404, listed=False) == (
        SECOND,
        "oci_core_private_ip.service[0]",
        'oci_core_volume_attachment.data["bv1"]',
        'oci_core_vnic_attachment.secondary["nfs-srv-2/nfs"]',
    )
    assert found(404, listed=False, kinds=(SECOND,)) == (SECOND,)


def test_a_404_alone_proves_nothing() -> None:
    assert found(404, listed=True) == ()


def test_what_is_there_is_not_lost() -> None:
    assert found(200, listed=False) == ()


@pytest.mark.parametrize("status", [401, 500, None])
def test_any_other_answer_is_unknown(status: int | None) -> None:
    with pytest.raises(Unanswered):
        found(status, listed=False)


def test_the_servers_are_named_in_terraform_s_error() -> None:
    said = f"Error: Instance cannot be destroyed\nResource {SECOND} has\nlifecycle.prevent_destroy set, but"
    assert lost.kept_from_destruction(said) == (SECOND,)
    assert lost.kept_from_destruction("Error: something else") == ()
    refused = explained("plan", said)
    assert isinstance(refused, Refused)
    assert refused.remedy.startswith(f"if {SECOND} is being terminated, wait until it has ended")
