"""Failovers on sites where an operator has begun the manual procedure: each goes on from what is there.

The old server is silent. It is off where the operator powered it off, as the procedure's first step does.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import oci
import pytest

from failover.model.outcome import Outcome
from lab.site.stack import VARIABLES_FILE
from tests import sources
from tests.terraform.sites.managed_site import managed_site
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site
from tests.terraform.stack.test_sites import make_zone

BOTH = pytest.param(("bv1", "bv2"), id="both")
ONE = pytest.param(("bv1",), id="one", marks=pytest.mark.nightly)
NAME = "nfs.hpc.example"
pytestmark = pytest.mark.checked(sources.TERRAFORM)


@pytest.fixture
def stands_by(tmp_path: Path) -> Iterator[WholeSite]:
    with whole_site(tmp_path) as made:
        made.stack.apply(launch=[SECOND])
        yield made


def detach(site: WholeSite, *names: str) -> None:
    """A person detaches these volumes in the console."""
    compartment = site.cloud.facts["compartment_id"]
    for name in names:
        listed = site.cloud.compute.list_volume_attachments(compartment, volume_id=site.volumes[name]).data
        for attachment in listed:
            if attachment.lifecycle_state != "DETACHED":
                site.cloud.detach(attachment.id)


def assert_recovered(site: WholeSite) -> None:
    site.silence(FIRST)
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.DONE, f"{report.reason}\n{said}"
    site.assert_never_double()
    assert site.holders() == {name: [f"ATTACHED {SECOND}"] for name in site.volumes}
    assert site.serving() == SECOND
    assert site.verify().outcome is Outcome.DONE


@pytest.mark.parametrize("door", [whole_site, managed_site], ids=["Terraform", "Resource Manager"])
@pytest.mark.parametrize("names", [ONE, BOTH])
def test_volumes_are_detached_and_the_successor_is_yet_to_be_launched(
    tmp_path: Path, door: Callable[[Path], AbstractContextManager[WholeSite]], names: tuple[str, ...]
) -> None:
    with door(tmp_path) as site:
        site.cloud.power_off(site.first)
        detach(site, *names)
        assert_recovered(site)


def test_a_volume_is_detached_from_a_server_that_still_runs(tmp_path: Path) -> None:
    with whole_site(tmp_path) as site:
        detach(site, "bv1")
        site.serving()
        with site.model.open() as model:
            assert model.pop("violations"), "the person's own, who took it from a server that serves"
            model["violations"] = []
        assert_recovered(site)
        assert site.model.state(site.first) == "STOPPED"


def test_the_name_is_given_another_address_and_the_successor_is_yet_to_be_launched(tmp_path: Path) -> None:
    with whole_site(tmp_path) as site:
        _, zone = make_zone(site.cloud)
        site.stack.change_site(dns_name=NAME, dns_zone=zone)
        site.stack.apply()
        records = oci.dns.models.RecordDetails(domain=NAME, rtype="A", rdata="10.0.0.99", ttl=30)
        details = oci.dns.models.UpdateRRSetDetails(items=[records])
        site.cloud.names.update_rr_set(zone, NAME, "A", details)
        assert_recovered(site)
        (record,) = site.cloud.names.get_rr_set(zone, NAME, "A").data.items
        assert record.rdata == site.stack.output()["servers"][SECOND]["address"]


@pytest.mark.parametrize("names", [ONE, BOTH])
def test_volumes_are_attached_to_the_standby(stands_by: WholeSite, names: tuple[str, ...]) -> None:
    stands_by.cloud.power_off(stands_by.first)
    detach(stands_by, "bv1", "bv2")
    for name in names:
        stands_by.cloud.attach(stands_by.volumes[name], stands_by.instances()[SECOND])
    assert_recovered(stands_by)


def test_the_successor_is_launched_by_hand_and_then_adopted(tmp_path: Path) -> None:
    """A subnet has each hostname once: the launch of a run would fail, after the fence."""
    with whole_site(tmp_path) as site:
        models, facts = oci.core.models, site.cloud.facts
        details = models.LaunchInstanceDetails(
            availability_domain=facts["availability_domains"][0],
            compartment_id=facts["compartment_id"],
            display_name=SECOND,
            shape="BM.Optimized3.36",
            source_details=models.InstanceSourceViaImageDetails(image_id=facts["base_image_id"]),
            create_vnic_details=models.CreateVnicDetails(subnet_id=facts["subnet_id"], hostname_label=SECOND),
        )
        by_hand = site.cloud.compute.launch_instance(details).data.id
        site.silence(FIRST)
        report, _ = site.fail_over(SECOND)
        assert report.outcome is Outcome.REFUSED
        assert f"hostname: {SECOND} is the hostname of" in report.reason
        assert "adopt it (instance_id in the place of image_id in servers)" in report.remedy
        assert site.model.state(site.first) == "RUNNING", "nothing was cut off"
        servers = json.loads((site.stack.folder / VARIABLES_FILE).read_text())["servers"]
        site.stack.change_site(servers={**servers, SECOND: {"instance_id": by_hand}})
        site.stack.apply()
        report, said = site.fail_over(SECOND)
        assert report.outcome is Outcome.DONE, f"{report.reason}\n{said}"
        assert {site.cloud.holders(one)[0] for one in site.volumes.values()} == {by_hand}


def test_volumes_are_attached_to_a_server_that_was_launched_by_hand(stands_by: WholeSite) -> None:
    """It may serve already: it is named, and nothing is taken from it."""
    stands_by.silence(FIRST)
    stands_by.cloud.power_off(stands_by.first)
    detach(stands_by, "bv1", "bv2")
    by_hand = stands_by.cloud.launch("by-hand")
    for volume in stands_by.volumes.values():
        stands_by.cloud.attach(volume, by_hand)
    report, _ = stands_by.fail_over(SECOND)
    assert report.outcome is Outcome.REFUSED
    assert f"{by_hand}, which is not a server of this stack" in report.reason
    assert "add the server to `servers`" in report.remedy
    assert stands_by.cloud.holders(stands_by.volumes["bv1"]) == [by_hand]
