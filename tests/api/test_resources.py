"""Volumes, images, consoles, private IPs and the fixed parts of the world, through the real SDK."""

import oci
import pytest

from tests import sources
from tests.api.conftest import models


@pytest.mark.checked(sources.api("CreateVolume, DeleteVolume"))
def test_a_volume_from_create_to_delete(site, refused):
    volume = site.volume("life")
    assert (volume.size_in_gbs, volume.vpus_per_gb, volume.is_hydrated) == (50, 10, True)
    renamed = site.block.update_volume(volume.id, models.UpdateVolumeDetails(display_name="other"))
    assert renamed.data.display_name == "other"
    larger = site.block.update_volume(volume.id, models.UpdateVolumeDetails(size_in_gbs=100))
    assert larger.data.lifecycle_state == "PROVISIONING"
    assert site.settle(site.block.get_volume, larger, "AVAILABLE").size_in_gbs == 100
    with refused(400, "InvalidParameter", "sizeInGBs must be more than 100"):
        site.block.update_volume(volume.id, models.UpdateVolumeDetails(size_in_gbs=50))
    # the real provider asks for the policy at each refresh, and sends isAutoTuneEnabled with an update
    assert site.block.get_volume_backup_policy_asset_assignment(volume.id).data == []
    site.block.update_volume(volume.id, models.UpdateVolumeDetails(is_auto_tune_enabled=False))
    with refused(501, "NotImplemented", "isAutoTuneEnabled"):
        site.block.update_volume(volume.id, models.UpdateVolumeDetails(is_auto_tune_enabled=True))
    found = site.block.list_volumes(compartment_id=site.compartment, display_name="other").data
    assert [one.id for one in found] == [volume.id]
    site.block.delete_volume(volume.id)
    site.settle(site.block.get_volume, renamed, "TERMINATED")


@pytest.mark.checked(sources.api("DeleteVolume"))
def test_an_attached_volume_is_not_deleted(site, refused):
    volume = site.volume()
    site.attach(volume, site.launch())
    with refused(409, "Conflict", "attached"):
        site.block.delete_volume(volume.id)


@pytest.mark.checked(sources.api("CreateVolumeDetails"))
def test_volume_sizes_and_sources(site, refused):
    def details(**fields):
        both = {"availability_domain": site.domain, "compartment_id": site.compartment}
        return models.CreateVolumeDetails(**both, **fields)

    with refused(400, "InvalidParameter", "sizeInGBs"):
        site.block.create_volume(details(size_in_gbs=10))
    source = models.VolumeSourceFromVolumeBackupDetails(id="ocid1.volumebackup.oc1..x")
    with refused(501, "NotImplemented", "sourceDetails"):
        site.block.create_volume(details(source_details=source))


@pytest.mark.checked(sources.api("CreateImage"))
def test_an_image_of_an_instance_and_a_launch_from_it(site, refused):
    instance = site.launch()
    made = models.CreateImageDetails(
        compartment_id=site.compartment, instance_id=instance.id, display_name="golden"
    )
    image = oci.core.ComputeClientCompositeOperations(site.compute).create_image_and_wait_for_state(
        made, ["AVAILABLE"], waiter_kwargs={"max_interval_seconds": 1}
    )
    assert image.data.base_image_id == instance.image_id
    assert image.data.size_in_mbs > 0
    assert site.compute.get_instance(instance.id).data.lifecycle_state == "RUNNING"
    source = models.InstanceSourceViaImageDetails(image_id=image.data.id)
    assert site.launch(source_details=source).image_id == image.data.id
    named = site.compute.list_images(site.compartment, display_name="golden").data
    assert [one.id for one in named] == [image.data.id]
    site.compute.delete_image(image.data.id)
    site.settle(site.compute.get_image, image, "DELETED")
    with refused(409, "IncorrectState"):
        site.compute.launch_instance(site.launch_details("late", source_details=source))


@pytest.mark.checked(sources.page("Compute/Tasks/managingcustomimages.htm"))
def test_an_instance_is_not_to_be_had_while_its_image_is_taken(own_site, refused):
    site = own_site
    instance = site.launch()
    site.api.inject("CreateImage", stuck=True)
    made = models.CreateImageDetails(compartment_id=site.compartment, instance_id=instance.id)
    image = site.compute.create_image(made)
    assert image.headers["opc-work-request-id"]
    assert site.compute.get_instance(instance.id).data.lifecycle_state == "CREATING_IMAGE"
    with refused(409, "IncorrectState"):
        site.compute.instance_action(instance.id, "STOP")
    with refused(409, "IncorrectState"):
        site.begin_attach(site.volume(), instance)
    with refused(409, "IncorrectState"):
        source = models.InstanceSourceViaImageDetails(image_id=image.data.id)
        site.compute.launch_instance(site.launch_details("early", source_details=source))
    site.api.control("DELETE", "faults")
    site.settle(site.compute.get_image, image, "AVAILABLE")


@pytest.mark.checked(sources.api("CaptureConsoleHistory"))
def test_the_console_shows_the_host_keys(site):
    instance = site.launch("nfs-srv-9", vnic={"hostname_label": "nfs-srv-9"})
    details = models.CaptureConsoleHistoryDetails(instance_id=instance.id)
    begun = site.compute.capture_console_history(details)
    history = site.settle(site.compute.get_console_history, begun, "SUCCEEDED")
    text = site.compute.get_console_history_content(history.id, length=100_000).data.decode()
    assert "BEGIN SSH HOST KEY KEYS" in text
    assert "root@nfs-srv-9" in text
    part = site.compute.get_console_history_content(history.id, offset=5, length=10)
    assert part.data.decode() == text[5:15]
    assert int(part.headers["opc-bytes-remaining"]) == len(text) - 15
    site.compute.delete_console_history(history.id)


@pytest.mark.checked(sources.api("UpdatePrivateIp"))
def test_a_service_address_moves_between_vnics(site, refused):
    vnics = []
    for instance in (site.launch(), site.launch()):
        joined = site.compute.list_vnic_attachments(site.compartment, instance_id=instance.id)
        vnics.append(joined.data[0].vnic_id)
    made = models.CreatePrivateIpDetails(
        vnic_id=vnics[0], ip_address="10.0.0.250", hostname_label="nfs-service"
    )
    address = site.network.create_private_ip(made).data
    moved = site.network.update_private_ip(
        address.id, models.UpdatePrivateIpDetails(vnic_id=vnics[1], lifetime="EPHEMERAL")
    )
    assert moved.data.vnic_id == vnics[1]
    held = site.network.list_private_ips(vnic_id=vnics[1]).data
    assert sorted(one.is_primary for one in held) == [False, True]
    primary = next(one for one in held if one.is_primary)
    with refused(400, "InvalidParameter", "primary"):
        site.network.update_private_ip(primary.id, models.UpdatePrivateIpDetails(vnic_id=vnics[0]))
    with refused(409, "IncorrectState", "primary"):
        site.network.delete_private_ip(primary.id)
    site.network.delete_private_ip(address.id)
    with refused(404, "NotAuthorizedOrNotFound"):
        site.network.get_private_ip(address.id)


@pytest.mark.own_rule
def test_the_world_as_it_is_from_the_start(site, refused):
    facts = site.api.facts()
    domains = site.identity.list_availability_domains(site.compartment).data
    assert [one.name for one in domains] == facts["availability_domains"]
    faults = site.identity.list_fault_domains(site.compartment, domains[0].name).data
    assert [one.name for one in faults] == ["FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3"]
    subnet = site.network.get_subnet(facts["subnet_id"]).data
    assert (subnet.cidr_block, subnet.vcn_id, subnet.virtual_router_ip) == (
        "10.0.0.0/24",
        facts["vcn_id"],
        "10.0.0.1",
    )
    assert site.network.get_vcn(facts["vcn_id"]).data.cidr_block == "10.0.0.0/16"
    assert site.network.list_subnets(site.compartment, vcn_id=facts["vcn_id"]).data[0].id == subnet.id
    assert site.network.get_network_security_group(facts["network_security_group_id"]).data
    base = site.compute.get_image(facts["base_image_id"]).data
    assert (base.display_name, base.lifecycle_state) == ("Debian guest", "AVAILABLE")
    assert "BM.Optimized3.36" in [one.shape for one in site.compute.list_shapes(site.compartment).data]
    assert site.identity.get_compartment(site.compartment).data.lifecycle_state == "ACTIVE"
    assert site.identity.get_tenancy(facts["tenancy_id"]).data.home_region_key == "FRA"
    with refused(404, "NotAuthorizedOrNotFound"):
        site.identity.list_availability_domains("ocid1.compartment.oc1..other")


@pytest.mark.own_rule
def test_what_exists_already_can_be_registered(site):
    metadata = {"ssh_authorized_keys": "key"}
    fields = {"mac": "02:00:17:00:00:15", "address": "10.0.0.21", "hostname": "nfs-cli"}
    known = site.api.seed(
        "instance", displayName="nfs-cli", metadata=metadata, console="host keys\n", **fields
    )
    instance = site.compute.get_instance(known["id"]).data
    assert (instance.lifecycle_state, instance.metadata) == ("RUNNING", metadata)
    assert site.api.seed("instance", id=instance.id, displayName="nfs-cli", **fields)["id"] == instance.id
    begun = site.compute.capture_console_history(models.CaptureConsoleHistoryDetails(instance_id=instance.id))
    history = site.settle(site.compute.get_console_history, begun, "SUCCEEDED")
    assert site.compute.get_console_history_content(history.id).data.startswith(b"host keys")
    image = site.api.seed("image", displayName="restored", bytes=3 * 2**30)
    assert site.compute.get_image(image["id"]).data.billable_size_in_gbs == 3
    iqn = "iqn.2015-12.com.oracleiaas:restored"
    volume = site.api.seed("volume", displayName="bv9", iqn=iqn)
    held = site.api.seed(
        "attachment", volumeId=volume["id"], instanceId=instance.id, iqn=iqn, ipv4="169.254.2.9"
    )
    seen = site.compute.get_volume_attachment(held["id"]).data
    assert (seen.lifecycle_state, seen.iqn, seen.port) == ("ATTACHED", iqn, 3260)
