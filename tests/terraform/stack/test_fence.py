"""The stack's fence: no plan takes a volume from a server that could still write. Steps of one life."""

from collections.abc import Iterator

import pytest

from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables
from tests.terraform.stack.test_sites import changing_calls, end_second_server, with_standby

pytestmark = pytest.mark.checked(sources.RUN)

BV1, BV2 = ('oci_core_volume_attachment.data["bv1"]', 'oci_core_volume_attachment.data["bv2"]')
BOTH_REPLACED = {BV1: ["delete", "create"], BV2: ["delete", "create"]}
NOT_FENCED = "is attached to nfs-srv-1, which is RUNNING and could still write to it: stop that server"


@pytest.fixture(scope="module")
def own_server(cloud: LabCloud) -> str:
    return cloud.launch("nfs-srv-1-fenced")


@pytest.fixture(scope="module")
def site(make_site: MakeSite, own_server: str) -> Variables:
    return with_standby(make_site(server_id=own_server))


@pytest.fixture(scope="module")
def stack(site: Variables, make_stack: MakeStack, cloud: LabCloud) -> Iterator[LaidStack]:
    laid = make_stack(site)
    laid.apply()
    yield laid
    end_second_server(laid, cloud)


def test_1_without_a_switch_there_is_nothing_to_fence(stack: LaidStack) -> None:
    assert stack.is_settled()


def test_2_a_running_server_keeps_its_volumes(stack: LaidStack, cloud: LabCloud) -> None:
    before = len(cloud.requests())
    result = stack.run("apply", "-auto-approve", "-var=active_server=nfs-srv-2")
    assert result.returncode == 1
    assert changing_calls(cloud, before) == []
    said = stack.refusal(active_server="nfs-srv-2")
    assert f"Volume bv1 {NOT_FENCED}" in said
    assert f"Volume bv2 {NOT_FENCED}" in said
    assert "`invoke failover --active nfs-srv-2`" in said
    assert 'set fence = "storage"' in said


def test_3_each_attachment_must_have_been_given_up(stack: LaidStack) -> None:
    first, second = stack.attachments()
    assert stack.actions(active_server="nfs-srv-2", released=[first, second]) == BOTH_REPLACED
    said = stack.refusal(active_server="nfs-srv-2", released=[first])
    assert f"Volume bv2 {NOT_FENCED}" in said
    assert "Volume bv1 is attached to" not in said


def test_4_the_detach_itself_can_be_the_fence_if_that_was_chosen(stack: LaidStack) -> None:
    assert stack.actions(active_server="nfs-srv-2", fence="storage") == BOTH_REPLACED
    assert 'fence must be "power"' in stack.refusal(fence="none")
    assert "released must hold OCIDs of volume attachments" in stack.refusal(released=["nfs-srv-1"])


def test_5_a_stopped_server_is_fenced(stack: LaidStack, cloud: LabCloud, own_server: str) -> None:
    cloud.power_off(own_server)
    assert stack.actions(active_server="nfs-srv-2") == BOTH_REPLACED
    before, released = len(cloud.requests()), stack.attachments()
    stack.apply(active_server="nfs-srv-2")
    assert changing_calls(cloud, before) == ["DetachVolume"] * 2 + ["AttachVolume"] * 2
    assert stack.is_settled(active_server="nfs-srv-2")
    # what was given up once says nothing of the attachments of today
    said = stack.refusal(active_server="nfs-srv-1", released=released)
    assert "Volume bv1 is attached to nfs-srv-2, which is RUNNING" in said


def test_6_a_volume_that_nobody_has_needs_no_fence(stack: LaidStack, cloud: LabCloud) -> None:
    (stack.folder / "active.auto.tfvars").write_text('active_server = "nfs-srv-2"\n')
    for attachment in stack.attachments():
        cloud.detach(attachment)
    assert stack.actions() == {BV1: ["create"], BV2: ["create"]}
    assert stack.actions(active_server="nfs-srv-1") == {BV1: ["create"], BV2: ["create"]}


def test_7_a_stranger_is_named_and_nothing_is_taken_from_it(
    stack: LaidStack, cloud: LabCloud, site: Variables
) -> None:
    stranger = cloud.launch("stranger")
    cloud.attach(site["volumes"]["bv1"]["volume_id"], stranger)
    said = stack.refusal(fence="storage")
    assert f"Volume bv1 is attached to {stranger}, no server of this stack" in said
