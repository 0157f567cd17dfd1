"""The stand-in provider where it was once kinder than the real one (oracle/oci 8.28.0)."""

import json
from collections.abc import Iterator
from threading import Thread
from time import sleep
from typing import Any

import oci
import pytest

from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables
from tests.terraform.sites.whole_site import ImpatientProvider
from tests.terraform.stack.test_sites import make_zone, resolved, with_standby

pytestmark = pytest.mark.checked(sources.SEEN)

BV1 = 'oci_core_volume_attachment.data["bv1"]'
SECOND = 'oci_core_instance.server["nfs-srv-2"]'
LAUNCH = '-var=launch=["nfs-srv-2"]'
DENIED = {"status": 401, "code": "NotAuthenticated", "message": "no"}
NOT_FOUND = {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "no"}


@pytest.fixture(scope="module", autouse=True)
def impatient(cloud: LabCloud, provider: Any) -> Iterator[None]:
    """The real one's minutes of asking again are two seconds here."""
    provider.stop()
    quick = ImpatientProvider(cloud.run).start()
    yield
    quick.stop()
    provider.start()


@pytest.fixture
def site(make_site: MakeSite) -> Variables:
    return make_site(("bv1",))


@pytest.fixture
def stack(site: Variables, make_stack: MakeStack, cloud: LabCloud) -> Iterator[LaidStack]:
    yield make_stack(site)
    cloud.clear_faults()
    for instance in cloud.compute.list_instances(cloud.facts["compartment_id"]).data:
        # sites share a compartment: the next one must not find this one's server
        if instance.display_name == "nfs-srv-2" and instance.lifecycle_state == "RUNNING":
            cloud.terminate(instance.id)


def recorded(stack: LaidStack, address: str) -> dict[str, Any]:
    """The state's record of an address: `status` and attributes."""
    state = json.loads((stack.folder / "terraform.tfstate").read_text())
    for resource in state["resources"]:
        for instance in resource["instances"]:
            name = f"{resource['type']}.{resource['name']}"
            if f'{name}["{instance.get("index_key")}"]' == address or name == address:
                return {"status": instance.get("status"), **instance["attributes"]}
    return {}


def test_an_attachment_whose_wait_meets_a_404_is_taken_as_it_was(stack: LaidStack, cloud: LabCloud) -> None:
    cloud.inject(operation="GetVolumeAttachment", **NOT_FOUND)
    result = stack.run("apply", "-auto-approve")
    assert result.returncode == 0, result.stderr
    found = recorded(stack, BV1)
    assert (found["status"], found["state"], found["iqn"]) == (None, "ATTACHING", None)
    assert stack.actions() == {}


def test_an_attachment_whose_wait_fails_is_tainted(stack: LaidStack, cloud: LabCloud) -> None:
    cloud.inject(operation="GetVolumeAttachment", **DENIED)
    result = stack.run("apply", "-auto-approve")
    assert result.returncode == 1
    assert "Http Status Code: 401. Error Code: NotAuthenticated" in " ".join(result.stderr.split())
    assert recorded(stack, BV1)["status"] == "tainted"


def test_a_launch_whose_wait_fails_is_tainted_and_every_plan_refused(
    stack: LaidStack, cloud: LabCloud
) -> None:
    stack.apply()
    cloud.inject(operation="LaunchInstance", after=True, delay=0.5)
    result = meeting(stack, cloud)
    assert result.returncode == 1
    assert recorded(stack, SECOND)["status"] == "tainted"
    assert "Instance cannot be destroyed" in stack.refusal(launch=["nfs-srv-2"])
    assert stack.run("untaint", SECOND).returncode == 0
    assert stack.actions(launch=["nfs-srv-2"]) == {}


def meeting(stack: LaidStack, cloud: LabCloud) -> Any:
    """An apply whose launch is carried out, and whose looks at it are then answered 401."""

    def then() -> None:
        while cloud.faults():
            sleep(0.02)
        cloud.inject(operation="GetInstance", **DENIED)

    thread = Thread(target=then, daemon=True)
    thread.start()
    try:
        return stack.run("apply", "-auto-approve", LAUNCH)
    finally:
        thread.join(10)
        cloud.clear_faults()


def test_a_launch_that_is_accepted_and_then_ends_terminated(stack: LaidStack, cloud: LabCloud) -> None:
    stack.apply()
    cloud.inject(operation="LaunchInstance", refusal="Out of host capacity.")
    result = stack.run("apply", "-auto-approve", LAUNCH)
    said = " ".join(result.stderr.split())
    assert result.returncode == 1
    assert "work request did not succeed" in said
    assert "Message: Out of host capacity." in said
    found = recorded(stack, SECOND)
    assert (found["status"], found["state"]) == ("tainted", "TERMINATED")
    assert stack.actions(launch=["nfs-srv-2"]) == {SECOND: ["create"]}


@pytest.mark.parametrize("operation", ["ListBootVolumeAttachments", "GetBootVolume", "ListIpv6s"])
def test_a_look_that_the_provider_does_without(
    stack: LaidStack, cloud: LabCloud, site: Variables, operation: str
) -> None:
    stack.change_site(**with_standby(site))
    stack.apply()
    cloud.inject(operation=operation, count=0, **DENIED)
    before = len(cloud.requests())
    assert stack.actions() == {}
    assert any(c["operation"] == operation and c["status"] == 401 for c in cloud.requests()[before:])


def test_a_detach_that_is_answered_too_late_is_sent_again_and_fails(
    stack: LaidStack, cloud: LabCloud
) -> None:
    """A DELETE has no retry token, so the second one meets "not currently attached"."""
    stack.apply()
    cloud.inject(operation="DetachVolume", after=True, delay=4.0)
    result = stack.run("destroy", "-auto-approve", f"-target={BV1}")
    said = " ".join(result.stderr.split())
    assert result.returncode == 1
    assert "409-Conflict" in said
    assert "is not currently attached" in said


def test_a_time_out_is_tried_again_with_the_same_token(stack: LaidStack, cloud: LabCloud) -> None:
    before = len(cloud.requests())
    cloud.inject(operation="AttachVolume", after=True, delay=3.0)
    stack.apply()
    tokens = {c["retry_token"] for c in cloud.requests()[before:] if c["operation"] == "AttachVolume"}
    assert len(tokens) == 1


def test_a_record_that_exists_is_refused_then_imported_and_updated(
    site: Variables, make_stack: MakeStack, cloud: LabCloud
) -> None:
    """The real provider makes it by a PATCH with a PROHIBIT."""
    view, zone = make_zone(cloud)
    item = oci.dns.models.RecordDetails(domain="nfs.hpc.example", rtype="A", rdata="10.0.0.9", ttl=60)
    details = oci.dns.models.UpdateRRSetDetails(items=[item])
    cloud.names.update_rr_set(zone, "nfs.hpc.example", "A", details)
    named = {"dns_name": "nfs.hpc.example", "dns_zone": "hpc.example", "dns_view_id": view}
    stack = make_stack({**site, **named})
    result = stack.run("apply", "-auto-approve")
    assert "409-Conflict, a prohibited record exists" in " ".join(result.stderr.split())
    assert resolved(cloud, zone) == [("10.0.0.9", 60)]
    where = "zoneNameOrId/hpc.example/domain/nfs.hpc.example/rtype/A"
    rrset = "oci_dns_rrset.service[0]"
    imported = stack.run("import", rrset, f"{where}/scope/PRIVATE/viewId/{view}")
    assert imported.returncode == 0, imported.stderr
    assert stack.actions() == {rrset: ["update"]}
    stack.apply()
    assert stack.is_settled()


def test_a_record_deleted_behind_its_back_is_an_update(
    site: Variables, make_stack: MakeStack, cloud: LabCloud
) -> None:
    """An empty set stays in the state, whose id has no view in it."""
    view, zone = make_zone(cloud)
    named = {"dns_name": "nfs.hpc.example", "dns_zone": "hpc.example", "dns_view_id": view}
    stack = make_stack({**site, **named})
    stack.apply()
    where = "zoneNameOrId/hpc.example/domain/nfs.hpc.example/rtype/A"
    assert recorded(stack, "oci_dns_rrset.service")["id"] == where
    cloud.names.delete_rr_set(zone, "nfs.hpc.example", "A")
    assert stack.actions() == {"oci_dns_rrset.service[0]": ["update"]}
    stack.apply()
    assert resolved(cloud, zone)


def test_an_imported_instance_tells_whether_it_has_a_public_address(
    stack: LaidStack, cloud: LabCloud, site: Variables
) -> None:
    stack.apply()
    second = cloud.launch("nfs-srv-2")
    result = stack.run("import", LAUNCH, SECOND, second)
    assert result.returncode == 0, result.stderr
    assert recorded(stack, SECOND)["create_vnic_details"][0]["assign_public_ip"] == "false"
    # "lacks" 2 and 3: an update sends agentConfig and instanceOptions
    assert stack.apply(launch=["nfs-srv-2"])
    born = cloud.compute.get_instance(second).data
    assert born.freeform_tags == {"nfs-failover-server": "nfs-srv-2"}
    assert stack.actions() == {}


def test_an_update_with_a_work_request_finds_what_was_updated(
    stack: LaidStack, cloud: LabCloud, site: Variables
) -> None:
    """The work request must name the instance as UPDATED: the provider looks for that word."""
    stack.change_site(**with_standby(site))
    stack.apply()
    standby = with_standby(site)
    standby["servers"]["nfs-srv-2"]["fault_domain"] = "FAULT-DOMAIN-3"
    stack.change_site(**standby)
    assert stack.actions() == {SECOND: ["update"]}
    stack.apply()
    assert stack.is_settled()
