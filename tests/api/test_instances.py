"""Instances through the real SDK: launch, power, metadata, update, terminate."""

import oci
import pytest

from tests import sources
from tests.api.conftest import models


@pytest.mark.checked(sources.SDK)
def test_launch_and_wait_with_the_sdk(site):
    compute = oci.core.ComputeClientCompositeOperations(site.compute)
    details = site.launch_details(
        "nfs-srv-1",
        vnic={"hostname_label": "nfs-srv-1", "private_ip": "10.0.0.201"},
        metadata={"ssh_authorized_keys": "ssh-ed25519 AAAA", "user_data": "I2Nsb3VkLWNvbmZpZwo="},
        freeform_tags={"nfs-failover-server": "nfs-srv-1"},
    )
    instance = compute.launch_instance_and_wait_for_state(
        details, ["RUNNING"], waiter_kwargs={"max_interval_seconds": 1}
    ).data
    assert instance.display_name == "nfs-srv-1"
    assert instance.freeform_tags == {"nfs-failover-server": "nfs-srv-1"}
    assert instance.metadata["user_data"] == "I2Nsb3VkLWNvbmZpZwo="
    assert instance.source_details.image_id == site.api.facts()["base_image_id"]
    assert (instance.defined_tags, instance.system_tags, instance.extended_metadata) == ({}, {}, {})
    joined = site.compute.list_vnic_attachments(site.compartment, instance_id=instance.id).data
    vnic = site.network.get_vnic(joined[0].vnic_id).data
    assert (vnic.private_ip, vnic.hostname_label, vnic.is_primary) == ("10.0.0.201", "nfs-srv-1", True)
    assert vnic.mac_address.startswith("02:00:17:")
    boots = site.compute.list_boot_volume_attachments(
        site.domain, site.compartment, instance_id=instance.id
    ).data
    assert boots[0].lifecycle_state == "ATTACHED"
    assert site.block.get_boot_volume(boots[0].boot_volume_id).data.image_id == instance.image_id
    assert site.network.list_ipv6s(vnic_id=vnic.id).data == []


@pytest.mark.checked(sources.api("LaunchInstance, opc-work-request-id"))
def test_the_work_request_of_a_launch(site):
    launched = site.compute.launch_instance(site.launch_details("with-work-request"))
    client = site.api.work_request_client()
    ocid = launched.headers["opc-work-request-id"]
    done = oci.wait_until(
        client, client.get_work_request(ocid), "status", "SUCCEEDED", max_interval_seconds=1
    ).data
    assert (done.operation_type, done.percent_complete) == ("LaunchInstance", 100.0)
    assert done.resources[0].identifier == launched.data.id
    listed = client.list_work_requests(site.compartment, resource_id=launched.data.id).data
    assert [one.id for one in listed] == [ocid]


@pytest.mark.checked(sources.SEEN)
def test_a_launch_that_the_hardware_refuses(own_site):
    site = own_site
    site.api.inject("LaunchInstance", refusal="no memory left")
    launched = site.compute.launch_instance(site.launch_details("unlucky"))
    site.settle(site.compute.get_instance, launched, "TERMINATED")
    client = site.api.work_request_client()
    ocid = launched.headers["opc-work-request-id"]
    assert client.get_work_request(ocid).data.status == "FAILED"
    assert client.list_work_request_errors(ocid).data[0].message == "no memory left"


@pytest.mark.checked(sources.api("CreateComputeCapacityReport"))
def test_out_of_host_capacity_and_the_report_that_foretells_it(own_site, refused):
    site = own_site
    details = models.CreateComputeCapacityReportDetails(
        compartment_id=site.compartment,
        availability_domain=site.domain,
        shape_availabilities=[
            models.CreateCapacityReportShapeAvailabilityDetails(instance_shape=shape)
            for shape in ("BM.Optimized3.36", "BM.Unheard.Of")
        ],
    )

    def report():
        answered = site.compute.create_compute_capacity_report(details).data.shape_availabilities
        return [one.availability_status for one in answered]

    assert report() == ["AVAILABLE", "HARDWARE_NOT_SUPPORTED"]
    site.api.inject("LaunchInstance", status=500, message="Out of host capacity.", count=0)
    assert report() == ["OUT_OF_HOST_CAPACITY", "HARDWARE_NOT_SUPPORTED"]
    with refused(500, "InternalError", "Out of host capacity"):
        site.compute.launch_instance(site.launch_details("no-room"))
    assert site.compute.list_instances(site.compartment).data == []


@pytest.mark.checked(sources.api("InstanceAction"))
@pytest.mark.parametrize(("stop", "start"), [("STOP", "START"), ("SOFTSTOP", "START")])
def test_power_off_and_on(site, refused, stop, start):
    instance = site.launch()
    with refused(409, "IncorrectState"):
        site.compute.instance_action(instance.id, start)
    site.settle(site.compute.get_instance, site.compute.instance_action(instance.id, stop), "STOPPED")
    with refused(409, "IncorrectState"):
        site.compute.instance_action(instance.id, stop)
    begun = site.compute.instance_action(instance.id, start)
    assert begun.data.lifecycle_state == "STARTING"
    site.settle(site.compute.get_instance, begun, "RUNNING")


@pytest.mark.checked(sources.api("InstanceAction"))
def test_resets_end_running(site):
    instance = site.launch()
    for action in ("RESET", "SOFTRESET"):
        begun = site.compute.instance_action(instance.id, action)
        site.settle(site.compute.get_instance, begun, "RUNNING")


@pytest.mark.checked(sources.REPORTS)
def test_a_crash_is_not_seen_by_the_api_and_a_stop_makes_it_certain(site):
    instance = site.launch()
    assert site.api.control("POST", f"crash/{instance.id}")["on"] is False
    assert site.compute.get_instance(instance.id).data.lifecycle_state == "RUNNING"
    site.settle(site.compute.get_instance, site.compute.instance_action(instance.id, "STOP"), "STOPPED")


@pytest.mark.checked(sources.api("CreateVnicDetails"))
def test_addresses_and_names_are_had_once(site, refused):
    site.launch(vnic={"private_ip": "10.0.0.77", "hostname_label": "taken"})
    for vnic in (
        {"private_ip": "10.0.0.77"},
        {"private_ip": "10.9.0.1"},
        {"private_ip": "10.0.0.1"},
        {"private_ip": "not an address"},
        {"hostname_label": "taken"},
        {"hostname_label": "-bad-"},
    ):
        with refused(400, "InvalidParameter"):
            site.compute.launch_instance(site.launch_details("second", vnic=vnic))


@pytest.mark.own_rule
def test_addresses_are_given_from_ten_on(own_site):
    first, second = own_site.launch("one"), own_site.launch("two")
    addresses = []
    for instance in (first, second):
        joined = own_site.compute.list_vnic_attachments(own_site.compartment, instance_id=instance.id)
        addresses.append(own_site.network.get_vnic(joined.data[0].vnic_id).data.private_ip)
    assert addresses == ["10.0.0.10", "10.0.0.11"]


@pytest.mark.checked(sources.api("LaunchInstanceDetails, metadata"))
def test_metadata_of_more_than_32000_bytes(site, refused):
    with refused(400, "InvalidParameter", "32000"):
        site.compute.launch_instance(site.launch_details("big", metadata={"user_data": "x" * 32_001}))
    half = "y" * 16_000
    with refused(400, "InvalidParameter", "32000"):
        site.compute.launch_instance(
            site.launch_details("big", metadata={"user_data": half}, extended_metadata={"more": {"a": half}})
        )
    assert site.launch("just-fits", metadata={"user_data": "z" * 31_000})


@pytest.mark.checked(sources.api("LaunchInstance"))
def test_what_is_missing_or_unknown_at_launch(site, refused):
    with refused(400, "MissingParameter", "shape"):
        site.compute.launch_instance(site.launch_details("x", shape=None))
    with refused(400, "InvalidParameter", "BM.Unheard.Of"):
        site.compute.launch_instance(site.launch_details("x", shape="BM.Unheard.Of"))
    with refused(400, "InvalidParameter", "AD-9"):
        site.compute.launch_instance(site.launch_details("x", availability_domain="AD-9"))
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.launch_instance(site.launch_details("x", compartment_id="ocid1.compartment.oc1..other"))
    absent = models.InstanceSourceViaImageDetails(image_id="ocid1.image.oc1.eu-frankfurt-1.absent")
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.launch_instance(site.launch_details("x", source_details=absent))
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.launch_instance(site.launch_details("x", capacity_reservation_id="ocid1.reservation"))
    with refused(501, "NotImplemented", "dedicatedVmHostId"):
        site.compute.launch_instance(site.launch_details("x", dedicated_vm_host_id="ocid1.host"))


@pytest.mark.checked(sources.api("ListInstances"))
def test_lists_by_name_and_state(site):
    instance = site.launch("findme")

    def listed(**filters):
        return [one.id for one in site.compute.list_instances(site.compartment, **filters).data]

    assert listed(display_name="findme") == [instance.id]
    assert listed(display_name="findme", lifecycle_state="STOPPED") == []
    assert instance.id in listed(availability_domain=site.domain)


@pytest.mark.checked(sources.api("UpdateInstance"))
def test_update(site, refused):
    instance = site.launch(metadata={"ssh_authorized_keys": "key", "nfs_failover": "{}"})
    plain = models.UpdateInstanceDetails(display_name="renamed", freeform_tags={"a": "b"})
    answer = site.compute.update_instance(instance.id, plain)
    assert (answer.data.display_name, answer.data.freeform_tags) == ("renamed", {"a": "b"})
    assert "opc-work-request-id" not in answer.headers
    spec = {"ssh_authorized_keys": "key", "nfs_failover": '{"version": 1}'}
    changed = site.compute.update_instance(instance.id, models.UpdateInstanceDetails(metadata=spec))
    assert changed.data.metadata == spec
    with refused(400, "InvalidParameter", "ssh_authorized_keys"):
        site.compute.update_instance(
            instance.id, models.UpdateInstanceDetails(metadata={"ssh_authorized_keys": "x"})
        )
    moved = site.compute.update_instance(
        instance.id, models.UpdateInstanceDetails(fault_domain="FAULT-DOMAIN-2")
    )
    assert moved.data.fault_domain == "FAULT-DOMAIN-2"
    assert moved.headers["opc-work-request-id"]


@pytest.mark.checked(sources.api("TerminateInstance"))
@pytest.mark.parametrize(("preserve", "state"), [(False, "TERMINATED"), (True, "AVAILABLE")])
def test_terminate_detaches_and_frees(site, refused, preserve, state):
    instance = site.launch(vnic={"private_ip": "10.0.0.99", "hostname_label": "shortlived"})
    attached = site.attach(site.volume(), instance)
    boot = site.compute.list_boot_volume_attachments(
        site.domain, site.compartment, instance_id=instance.id
    ).data[0]
    vnic = site.compute.list_vnic_attachments(site.compartment, instance_id=instance.id).data[0]
    begun = site.compute.get_instance(instance.id)
    site.compute.terminate_instance(instance.id, preserve_boot_volume=preserve)
    site.settle(site.compute.get_instance, begun, "TERMINATED")
    assert site.compute.get_volume_attachment(attached.id).data.lifecycle_state == "DETACHED"
    assert site.block.get_boot_volume(boot.boot_volume_id).data.lifecycle_state == state
    assert site.compute.get_vnic_attachment(vnic.id).data.lifecycle_state == "DETACHED"
    with refused(404, "NotAuthorizedOrNotFound"):
        site.network.get_vnic(vnic.vnic_id)
    again = site.launch(vnic={"private_ip": "10.0.0.99", "hostname_label": "shortlived"})
    site.compute.terminate_instance(again.id)
    site.settle(site.compute.get_instance, site.compute.get_instance(again.id), "TERMINATED")
    with refused(409, "IncorrectState"):
        site.compute.terminate_instance(again.id)


@pytest.mark.checked(sources.SEEN)
def test_an_update_takes_what_the_real_provider_sends_each_time(site):
    """It sends agentConfig and instanceOptions, and looks for the work request's UPDATED."""
    instance = site.launch()
    plugin = models.InstanceAgentPluginConfigDetails(name="Bastion", desired_state="ENABLED")
    details = models.UpdateInstanceDetails(
        display_name="renamed",
        agent_config=models.UpdateInstanceAgentConfigDetails(plugins_config=[plugin]),
        instance_options=models.InstanceOptions(are_legacy_imds_endpoints_disabled=False),
    )
    plain = site.compute.update_instance(instance.id, details)
    assert "opc-work-request-id" not in plain.headers
    assert plain.data.agent_config.plugins_config[0].name == "Bastion"
    assert plain.data.instance_options.are_legacy_imds_endpoints_disabled is False
    moved = site.compute.update_instance(
        instance.id, models.UpdateInstanceDetails(fault_domain="FAULT-DOMAIN-3")
    )
    request = site.api.work_request_client().get_work_request(moved.headers["opc-work-request-id"]).data
    assert (request.status, request.resources[0].action_type) == ("SUCCEEDED", "UPDATED")


@pytest.mark.checked(sources.api("GetInstance"))
def test_a_terminated_instance_is_forgotten_when_the_lab_says_so(own_site, refused):
    """OCI forgets it after a while."""
    site = own_site
    kept, gone = site.launch(), site.launch()
    site.compute.terminate_instance(gone.id)
    site.settle(site.compute.get_instance, site.compute.get_instance(gone.id), "TERMINATED")
    assert site.api.control("POST", "forget", {}) == {"forgotten": [gone.id]}
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.get_instance(gone.id)
    assert [one.id for one in site.compute.list_instances(site.compartment).data] == [kept.id]


@pytest.mark.checked(sources.api("ListVolumeAttachments"))
def test_attachments_are_listed_in_the_compartment_of_their_instance(site):
    elsewhere = site.api.facts()["tenancy_id"]
    instance = site.launch(compartment_id=elsewhere)
    attachment = site.attach(site.volume(), instance)
    assert instance.compartment_id == attachment.compartment_id == elsewhere
    listed = site.compute.list_volume_attachments(elsewhere, instance_id=instance.id).data
    assert [one.id for one in listed] == [attachment.id]
    assert not site.compute.list_volume_attachments(site.compartment, instance_id=instance.id).data
