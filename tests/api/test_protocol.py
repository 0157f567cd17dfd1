"""How the API speaks: signatures, retry tokens, pages, etags, unknown operations, faults, its log."""

import json
import threading
import time
import urllib.error
import urllib.request

import oci
import pytest

from tests import sources
from tests.api.conftest import models


def quick_retries(attempts=4):
    """The SDK's own strategy, with its waits shortened."""
    return oci.retry.RetryStrategyBuilder(
        max_attempts=attempts,
        retry_base_sleep_time_seconds=0.01,
        retry_max_wait_between_calls_seconds=0.05,
        service_error_retry_on_any_5xx=True,
        service_error_retry_config={409: ["IncorrectState"], 429: []},
        backoff_type=oci.retry.BACKOFF_FULL_JITTER_EQUAL_ON_THROTTLE_VALUE,
    ).get_retry_strategy()


def volume_details(site, name="token"):
    return models.CreateVolumeDetails(
        availability_domain=site.domain, compartment_id=site.compartment, display_name=name
    )


def count(site, name):
    return len(site.block.list_volumes(compartment_id=site.compartment, display_name=name).data)


@pytest.mark.checked(sources.SDK)
def test_the_configuration_is_one_that_the_sdk_accepts(site):
    config = oci.config.from_file(str(site.api.config_file))
    oci.config.validate_config(config)
    assert config["region"] == "eu-frankfurt-1"
    assert (site.api.config_file.parent / "key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.checked(sources.page("API/Concepts/usingapi.htm"))
def test_the_same_token_gives_the_same_answer_and_makes_nothing(site):
    first = site.block.create_volume(volume_details(site, "once"), opc_retry_token="token-1")
    again = site.block.create_volume(volume_details(site, "once"), opc_retry_token="token-1")
    assert first.data.id == again.data.id
    assert count(site, "once") == 1


@pytest.mark.checked(sources.page("API/References/apierrors.htm"))
def test_the_same_token_for_another_request_is_refused(site, refused):
    site.block.create_volume(volume_details(site, "mine"), opc_retry_token="token-2")
    with refused(409, "InvalidatedRetryToken"):
        site.block.create_volume(volume_details(site, "yours"), opc_retry_token="token-2")
    assert count(site, "yours") == 0


@pytest.mark.checked(sources.page("API/Concepts/usingapi.htm"))
def test_an_answer_lost_on_the_way_is_made_good_by_the_retry(site):
    site.api.inject("CreateVolume", after=True, drop=True)
    client = site.api.block_client(retry_strategy=quick_retries())
    made = client.create_volume(volume_details(site, "lost-answer"), opc_retry_token="token-3")
    assert made.data.display_name == "lost-answer"
    assert count(site, "lost-answer") == 1


@pytest.mark.own_rule
def test_a_refused_call_does_not_use_up_its_token(site):
    site.api.inject("CreateVolume", status=429, code="TooManyRequests", count=2)
    client = site.api.block_client(retry_strategy=quick_retries())
    assert client.create_volume(volume_details(site, "throttled"), opc_retry_token="token-4")
    assert count(site, "throttled") == 1


@pytest.mark.checked(sources.page("API/Concepts/usingapi.htm"))
def test_pages(site, refused):
    made = [site.volume("paged").id for _ in range(5)]
    first = site.block.list_volumes(compartment_id=site.compartment, display_name="paged", limit=2)
    assert len(first.data) == 2
    assert first.has_next_page
    every = oci.pagination.list_call_get_all_results(
        site.block.list_volumes, compartment_id=site.compartment, display_name="paged", limit=2
    )
    assert [one.id for one in every.data] == made
    last = site.block.list_volumes(compartment_id=site.compartment, display_name="paged", limit=5)
    assert not last.has_next_page
    with refused(400, "InvalidParameter", "page"):
        site.block.list_volumes(compartment_id=site.compartment, page="!")
    with refused(400, "InvalidParameter", "limit"):
        site.block.list_volumes(compartment_id=site.compartment, limit=5000)


@pytest.mark.checked(sources.api("ListInstances, sortBy and sortOrder"))
def test_order(site):
    names = ["order-b", "order-a", "order-c"]
    made = {site.volume(name).id for name in names}
    listed = site.block.list_volumes(
        compartment_id=site.compartment, sort_by="DISPLAYNAME", sort_order="DESC"
    ).data
    assert [one.display_name for one in listed if one.id in made] == ["order-c", "order-b", "order-a"]


@pytest.mark.checked(sources.page("API/Concepts/usingapi.htm"))
def test_etags(site, refused):
    volume = site.volume("tagged")
    seen = site.block.get_volume(volume.id).headers["etag"]
    details = models.UpdateVolumeDetails(display_name="tagged-2")
    changed = site.block.update_volume(volume.id, details, if_match=seen)
    assert changed.headers["etag"] != seen
    with refused(412, "NoEtagMatch"):
        site.block.update_volume(volume.id, details, if_match=seen)
    with refused(412, "NoEtagMatch"):
        site.block.delete_volume(volume.id, if_match=seen)


@pytest.mark.own_rule
def test_what_the_lab_does_not_model(site, refused):
    with refused(501, "NotImplemented", "blockVolumeReplicas"):
        site.block.list_block_volume_replicas(availability_domain=site.domain)
    with refused(501, "NotImplemented", "capacityReservationId"):
        site.compute.list_instances(site.compartment, capacity_reservation_id="x")
    instance = site.launch()
    with refused(501, "NotImplemented", "SENDDIAGNOSTICINTERRUPT"):
        site.compute.instance_action(instance.id, "SENDDIAGNOSTICINTERRUPT")


@pytest.mark.checked(sources.page("API/References/apierrors.htm"))
def test_absent_and_foreign_things(site, refused):
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.get_instance("ocid1.instance.oc1.eu-frankfurt-1.absent")
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.get_instance(site.volume().id)
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.list_instances("ocid1.compartment.oc1..other")


@pytest.mark.checked(sources.page("API/Concepts/signingrequests.htm"))
def test_a_call_without_a_signature_or_by_somebody_else(site):
    url = f"{site.api.endpoint}/20160918/instances?compartmentId={site.compartment}"
    for headers in ({}, {"Authorization": 'Signature keyId="ocid1.tenancy.oc1..x/y/z"'}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5)
        assert caught.value.code == 401
        assert json.load(caught.value)["code"] == "NotAuthenticated"


@pytest.mark.own_rule
def test_bodies_that_are_no_documents(site):
    client = site.block.base_client
    for body, code in (("[1]", "InvalidParameter"), ("{nonsense", "CannotParseRequest")):
        with pytest.raises(oci.exceptions.ServiceError) as caught:
            client.call_api("/volumes", "POST", header_params={"content-type": "application/json"}, body=body)
        assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.own_rule
def test_faults_hit_the_named_operation_as_often_as_told(own_site, refused):
    site = own_site
    first, second = site.launch(), site.launch()
    site.api.inject("GetInstance", resource=first.id, status=500, message="broken", count=2)
    assert site.compute.get_instance(second.id).data
    for _ in range(2):
        with refused(500, "InternalError", "broken"):
            site.compute.get_instance(first.id)
    assert site.compute.get_instance(first.id).data
    site.api.inject("*", status=404, code="NotAuthorizedOrNotFound", count=0)
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.get_instance(first.id)
    assert len(site.api.control("GET", "faults")) == 1
    site.api.control("DELETE", "faults")
    assert site.compute.get_instance(first.id).data


@pytest.mark.own_rule
def test_a_delayed_and_a_hung_answer(own_site):
    site = own_site
    site.api.inject("ListInstances", delay=0.4)
    started = time.monotonic()
    site.compute.list_instances(site.compartment)
    assert time.monotonic() - started >= 0.4
    site.api.inject("ListInstances", hang=True)
    impatient = site.api.compute_client(timeout=0.5, retry_strategy=oci.retry.NoneRetryStrategy())
    with pytest.raises(oci.exceptions.RequestException):
        impatient.list_instances(site.compartment)
    site.api.inject("ListInstances", hang=True)
    threading.Timer(0.3, site.api.control, ("DELETE", "faults")).start()
    with pytest.raises((oci.exceptions.RequestException, oci.exceptions.ConnectTimeout)):
        site.compute.list_instances(site.compartment, retry_strategy=oci.retry.NoneRetryStrategy())
    assert site.compute.list_instances(site.compartment).data == []


@pytest.mark.own_rule
def test_a_fault_with_an_unknown_field_is_refused(site):
    with pytest.raises(Exception, match="not a fault"):
        site.api.inject("AttachVolume", statuss=500)


@pytest.mark.own_rule
def test_the_log_of_calls(own_site):
    site = own_site
    site.block.create_volume(volume_details(site), opc_retry_token="logged")
    with pytest.raises(oci.exceptions.ServiceError):
        site.block.get_volume("absent")
    site.api.control("GET", "clock")
    log = [(one["operation"], one["status"], one["code"]) for one in site.api.control("GET", "requests")]
    assert log == [("CreateVolume", 200, ""), ("GetVolume", 404, "NotAuthorizedOrNotFound")]
    assert "logged" in site.api.control("GET", "requests")[0].values()
