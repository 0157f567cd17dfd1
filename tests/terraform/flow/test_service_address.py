"""The service's address after a person was there: moved, taken away, made anew, or somebody else's own."""

import json
from collections.abc import Iterator
from pathlib import Path

import oci
import pytest

from failover.model.outcome import Outcome
from failover.stack import state as tfstate
from failover.stack.addresses import SERVICE_ADDRESS_RECORD
from failover.stack.state_lock import STATE_FILE
from tests import sources
from tests.terraform.sites.managed_site import managed_site
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.TERRAFORM)

ADDRESS = "10.0.0.200"
# what one way or door shows of the others
NOWHERE = pytest.param("nowhere", marks=pytest.mark.nightly)
AT_ANOTHER = pytest.param("another instance", marks=pytest.mark.nightly)
models = oci.core.models


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    """nfs-srv-1 serves at ADDRESS and dies; nfs-srv-2 stands by."""
    with whole_site(tmp_path, ADDRESS) as made:
        made.stack.apply(launch=[SECOND])
        made.silence(FIRST)
        yield made


def vnic(site: WholeSite, instance_id: str) -> str:
    compartment = site.cloud.facts["compartment_id"]
    (attachment,) = site.cloud.compute.list_vnic_attachments(compartment, instance_id=instance_id).data
    return str(attachment.vnic_id)


def free(site: WholeSite) -> None:
    """A person deletes the service's address."""
    network = site.cloud.network
    listed = network.list_private_ips(subnet_id=site.cloud.facts["subnet_id"]).data
    (service,) = [one.id for one in listed if one.ip_address == ADDRESS]
    network.delete_private_ip(service)


def by_hand(site: WholeSite, instance_id: str) -> str:
    """A person makes it again on that instance's VNIC; its OCID."""
    details = models.CreatePrivateIpDetails(ip_address=ADDRESS, vnic_id=vnic(site, instance_id))
    return str(site.cloud.network.create_private_ip(details).data.id)


def recorded(site: WholeSite) -> str:
    """The OCID that Terraform's state has for it."""
    state = json.loads((site.stack.folder / STATE_FILE).read_text())
    return tfstate.recorded(state)[SERVICE_ADDRESS_RECORD].id


def assert_recovered(site: WholeSite) -> None:
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.DONE, f"{report.reason}\n{said}"
    site.assert_settled_on(SECOND)
    assert ADDRESS in site.cloud.addresses(site.instances()[SECOND])
    assert site.verify().outcome is Outcome.DONE


@pytest.mark.parametrize("where", [NOWHERE, "another instance"])
def test_with_a_successor_yet_to_be_launched_it_is_made_or_taken_up(tmp_path: Path, where: str) -> None:
    with whole_site(tmp_path, ADDRESS) as site:
        site.silence(FIRST)
        free(site)
        made = by_hand(site, site.cloud.launch("by-hand")) if where == "another instance" else None
        assert_recovered(site)
        assert made in (None, recorded(site))


@pytest.mark.parametrize("where", ["the target", AT_ANOTHER, NOWHERE])
def test_an_address_that_was_taken_away_is_made_or_taken_up(site: WholeSite, where: str) -> None:
    free(site)
    made = None
    if where != "nowhere":
        elsewhere = site.cloud.launch("by-hand") if where == "another instance" else site.instances()[SECOND]
        made = by_hand(site, elsewhere)
    assert_recovered(site)
    assert made in (None, recorded(site)), "it is the one that the person made"


@pytest.mark.parametrize("where", ["nowhere", "another instance"])
def test_through_resource_manager_it_is_made_or_taken_up(tmp_path: Path, where: str) -> None:
    """Its jobs forget what is gone: the plan of the launch would make it again, too."""
    with managed_site(tmp_path, ADDRESS) as managed:
        managed.silence(FIRST)
        free(managed)
        if where == "another instance":
            by_hand(managed, managed.cloud.launch("by-hand"))
        report, said = managed.fail_over(SECOND)
        assert report.outcome is Outcome.DONE, f"{report.reason}\n{said}"
        assert ADDRESS in managed.cloud.addresses(managed.instances()[SECOND])
        assert managed.verify().outcome is Outcome.DONE


def test_an_address_that_was_moved_by_hand_moves_on(site: WholeSite) -> None:
    network = site.cloud.network
    listed = network.list_private_ips(subnet_id=site.cloud.facts["subnet_id"]).data
    (service,) = [one.id for one in listed if one.ip_address == ADDRESS]
    other = vnic(site, site.cloud.launch("by-hand"))
    network.update_private_ip(service, models.UpdatePrivateIpDetails(vnic_id=other))
    assert_recovered(site)


def test_an_address_that_an_instance_was_launched_with_is_named_before_anything_is_done(
    site: WholeSite,
) -> None:
    free(site)
    compartment, subnet = site.cloud.facts["compartment_id"], site.cloud.facts["subnet_id"]
    details = models.LaunchInstanceDetails(
        availability_domain=site.cloud.facts["availability_domains"][0],
        compartment_id=compartment,
        shape="BM.Optimized3.36",
        source_details=models.InstanceSourceViaImageDetails(image_id=site.cloud.facts["base_image_id"]),
        create_vnic_details=models.CreateVnicDetails(subnet_id=subnet, private_ip=ADDRESS),
    )
    other = site.cloud.compute.launch_instance(details).data.id
    report, _ = site.fail_over(SECOND)
    assert report.outcome is Outcome.REFUSED
    assert f"service address: {ADDRESS} is the primary address of" in report.reason
    assert "another service_ip" in report.remedy
    assert site.model.state(site.first) == "RUNNING", "nothing was cut off"
    site.cloud.terminate(other)
    assert_recovered(site)
