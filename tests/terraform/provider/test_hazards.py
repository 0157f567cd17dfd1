"""The real provider's hazards, which the stand-in must have too: drills would be too kind without them."""

from typing import Any

import pytest

from lab.provider.process import ProviderProcess
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables

pytestmark = pytest.mark.checked(sources.RUN)

ATTACHMENT = 'oci_core_volume_attachment.data["bv1"]'


@pytest.fixture
def site(make_site: MakeSite) -> Variables:
    return make_site(("bv1",))


@pytest.fixture
def stack(site: Variables, make_stack: MakeStack) -> LaidStack:
    laid = make_stack(site)
    laid.apply()
    return laid


def only_attachment(stack: LaidStack) -> Any:
    return stack.output()["volumes"]["bv1"]["attachment_id"]


def test_a_404_on_delete_counts_as_success_while_the_volume_is_attached(
    stack: LaidStack, cloud: LabCloud, site: Variables
) -> None:
    cloud.inject(operation="DetachVolume", status=404, code="NotAuthorizedOrNotFound", message="no")
    result = stack.run("destroy", "-auto-approve", f"-target={ATTACHMENT}")
    assert result.returncode == 0, result.stderr
    assert cloud.holders(site["volumes"]["bv1"]["volume_id"]), "the API still has it attached"


def test_a_404_on_refresh_keeps_the_attachment_in_the_state(stack: LaidStack, cloud: LabCloud) -> None:
    cloud.inject(operation="GetVolumeAttachment", status=404, code="NotAuthorizedOrNotFound", message="no")
    assert stack.actions() == {}


def test_a_404_on_refresh_drops_it_when_the_state_is_not_preserved(
    stack: LaidStack, cloud: LabCloud, provider: ProviderProcess
) -> None:
    provider.stop()
    careless = ProviderProcess(cloud.run, keep_on_404=False).start()
    try:
        stack.use(careless)
        cloud.inject(
            operation="GetVolumeAttachment", status=404, code="NotAuthorizedOrNotFound", message="no"
        )
        assert stack.actions() == {ATTACHMENT: ["create"]}
    finally:
        careless.stop()
        provider.start()


def test_an_attachment_detached_behind_its_back_is_made_again(stack: LaidStack, cloud: LabCloud) -> None:
    cloud.detach(only_attachment(stack))
    assert stack.actions() == {ATTACHMENT: ["create"]}


def test_an_attachment_that_fails_is_an_error_and_tainted(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    stack = make_stack(make_site(("bv1",)))
    cloud.inject(operation="AttachVolume", refusal="the target does not answer")
    result = stack.run("apply", "-auto-approve")
    assert result.returncode == 1
    assert "unexpected state: DETACHED" in " ".join(result.stderr.split()), result.stderr
    assert stack.actions() == {ATTACHMENT: ["create"]}


def test_out_of_host_capacity_fails_at_once(stack: LaidStack, cloud: LabCloud) -> None:
    before = len(cloud.requests())
    cloud.inject(operation="LaunchInstance", status=500, message="Out of host capacity.", count=0)
    result = stack.run("apply", "-auto-approve", '-var=launch=["nfs-srv-2"]')
    cloud.clear_faults()
    assert result.returncode == 1
    assert "Out of host capacity" in result.stderr
    calls = [call["operation"] for call in cloud.requests()[before:]]
    assert calls.count("LaunchInstance") == 1


def test_a_conflict_is_tried_again_with_the_same_token(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    stack = make_stack(make_site(("bv1",)))
    before = len(cloud.requests())
    cloud.inject(operation="AttachVolume", status=409, code="Conflict", message="another change is going on")
    stack.apply()
    tokens = [c["retry_token"] for c in cloud.requests()[before:] if c["operation"] == "AttachVolume"]
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert tokens[0]
