"""What the lab's API has to have in common with OCI: each test runs on either, and names where it is written.

On the lab always; on a real tenancy with `pytest -m oci --oci tests/api/test_like_oci.py` and
$OCI_TEST_COMPARTMENT, the configuration being ~/.oci/config. There it makes a few block volumes of 50 GB,
nfs-failover-test, and deletes what bears that tag before and after.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oci
import pytest

from tests.api.conftest import models, new_site

pytestmark = pytest.mark.checked("what each test's docstring names; and OCI itself, with --oci")

TAG = "nfs-failover-test"
ON = [pytest.param("lab"), pytest.param("tenancy", marks=pytest.mark.oci)]
_SECONDS = 180


@dataclass(frozen=True)
class Cloud:
    """The clients of the lab or of a tenancy, and a place to make things in."""

    compute: Any
    block: Any
    compartment: str
    domain: str
    realm: str

    def volume(self, token: str | None = None) -> Any:
        details = models.CreateVolumeDetails(
            availability_domain=self.domain,
            compartment_id=self.compartment,
            display_name=TAG,
            size_in_gbs=50,
            freeform_tags={TAG: "true"},
        )
        return self.block.create_volume(details, opc_retry_token=token or str(uuid.uuid4())).data

    def wait(self, volume_id: str, state: str) -> Any:
        got = self.block.get_volume(volume_id)
        waited = oci.wait_until(
            self.block, got, "lifecycle_state", state, max_wait_seconds=_SECONDS, max_interval_seconds=1
        )
        return waited.data

    def clean(self) -> None:
        """Delete what an earlier run, also one that was killed, has left."""
        found = oci.pagination.list_call_get_all_results(
            self.block.list_volumes, compartment_id=self.compartment, display_name=TAG
        ).data
        for volume in found:
            if volume.freeform_tags.get(TAG) and volume.lifecycle_state not in ("TERMINATING", "TERMINATED"):
                self.wait(volume.id, "AVAILABLE")
                self.block.delete_volume(volume.id)
                self.wait(volume.id, "TERMINATED")


def of_tenancy() -> Cloud:
    """A real one; raises KeyError without $OCI_TEST_COMPARTMENT."""
    config = oci.config.from_file()
    compartment = os.environ["OCI_TEST_COMPARTMENT"]
    domains = oci.identity.IdentityClient(config).list_availability_domains(compartment).data
    return Cloud(
        oci.core.ComputeClient(config),
        oci.core.BlockstorageClient(config),
        compartment,
        domains[0].name,
        config["region"],
    )


@pytest.fixture(scope="module", params=ON)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    if request.param == "tenancy":
        made, stop = of_tenancy(), None
    else:
        site = new_site(tmp_path_factory.mktemp("lab"))
        made, stop = (
            Cloud(site.compute, site.block, site.compartment, site.domain, "eu-frankfurt-1"),
            site.api.stop,
        )
    made.clean()
    try:
        yield made
    finally:
        made.clean()
        if stop:
            stop()


def unknown(cloud: Cloud, kind: str) -> str:
    """An OCID of the right form that nothing has."""
    return f"ocid1.{kind}.oc1.{cloud.realm}.{'a' * 60}"


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("instance", lambda cloud, ocid: cloud.compute.get_instance(ocid)),
        ("volume", lambda cloud, ocid: cloud.block.get_volume(ocid)),
        ("volumeattachment", lambda cloud, ocid: cloud.compute.get_volume_attachment(ocid)),
        ("instance", lambda cloud, ocid: cloud.compute.instance_action(ocid, "STOP")),
    ],
    ids=["GetInstance", "GetVolume", "GetVolumeAttachment", "InstanceAction"],
)
def test_what_is_not_there_and_what_is_not_allowed_is_one_404(cloud: Cloud, kind: str, call: Any) -> None:
    """https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm: NotAuthorizedOrNotFound."""
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        call(cloud, unknown(cloud, kind))
    assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")
    assert caught.value.headers["opc-request-id"]


def test_one_retry_token_makes_one_volume(cloud: Cloud) -> None:
    """CreateVolume, opc-retry-token: a retry within 24 hours is answered with what the first one made."""
    token = str(uuid.uuid4())
    first, again = cloud.volume(token), cloud.volume(token)
    assert first.id == again.id
    named = cloud.block.list_volumes(compartment_id=cloud.compartment, display_name=TAG).data
    assert [v.id for v in named if v.lifecycle_state != "TERMINATED"] == [first.id]
    cloud.wait(first.id, "AVAILABLE")


def test_a_deleted_volume_is_terminated_and_still_answers(cloud: Cloud) -> None:
    """DeleteVolume: TERMINATING, then TERMINATED; GetVolume goes on answering for a while."""
    volume = cloud.volume()
    cloud.wait(volume.id, "AVAILABLE")
    cloud.block.delete_volume(volume.id)
    assert cloud.wait(volume.id, "TERMINATED").id == volume.id
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        cloud.block.delete_volume(volume.id)
    assert caught.value.status in (404, 409)


def test_pages_are_handed_out_by_opc_next_page(cloud: Cloud) -> None:
    """https://docs.oracle.com/en-us/iaas/Content/API/Concepts/usingapi.htm, List Pagination."""
    made = [cloud.volume(), cloud.volume()]
    for one in made:
        cloud.wait(one.id, "AVAILABLE")
    page = cloud.block.list_volumes(compartment_id=cloud.compartment, display_name=TAG, limit=1)
    assert len(page.data) == 1
    assert page.headers["opc-next-page"]
    following = cloud.block.list_volumes(
        compartment_id=cloud.compartment, display_name=TAG, limit=1, page=page.headers["opc-next-page"]
    )
    assert following.data[0].id != page.data[0].id


def test_attachments_of_an_unknown_compartment_are_refused(cloud: Cloud) -> None:
    """ListVolumeAttachments: the compartment is checked first; a wrong one is no empty list."""
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        cloud.compute.list_volume_attachments(unknown(cloud, "compartment").replace(f".{cloud.realm}.", ".."))
    assert caught.value.status == 404
