"""Volume attachments through the real SDK: states, the one-writer rule, races."""

from concurrent.futures import ThreadPoolExecutor

import oci
import pytest

from tests import sources
from tests.api.conftest import models


@pytest.mark.checked(sources.SDK)
def test_attach_and_detach_with_the_sdk_waiters(site):
    instance, volume = site.launch(), site.volume()
    compute = oci.core.ComputeClientCompositeOperations(site.compute)
    details = models.AttachIScsiVolumeDetails(instance_id=instance.id, volume_id=volume.id)
    attached = compute.attach_volume_and_wait_for_state(
        details, ["ATTACHED"], waiter_kwargs={"max_interval_seconds": 1}
    ).data
    assert isinstance(attached, models.IScsiVolumeAttachment)
    assert (attached.volume_id, attached.instance_id) == (volume.id, instance.id)
    assert attached.iqn.startswith("iqn.2015-12.com.oracleiaas:")
    assert attached.ipv4.startswith("169.254.2.")
    assert attached.port == 3260
    assert (attached.is_shareable, attached.is_read_only, attached.chap_secret) == (False, False, None)
    assert attached.iscsi_login_state == "UNKNOWN"
    begun = site.compute.detach_volume(attached.id)
    assert begun.status == 204
    gone = oci.wait_until(
        site.compute,
        site.compute.get_volume_attachment(attached.id),
        "lifecycle_state",
        "DETACHED",
        max_interval_seconds=1,
    )
    assert gone.data.lifecycle_state == "DETACHED"


@pytest.mark.checked(sources.api("VolumeAttachment, ipv4 and iqn"))
def test_the_address_belongs_to_the_attachment_and_the_iqn_to_the_volume(site):
    first, second, volume = site.launch(), site.launch(), site.volume()
    before = site.attach(volume, first)
    site.compute.detach_volume(before.id)
    site.settle(site.compute.get_volume_attachment, site.compute.get_volume_attachment(before.id), "DETACHED")
    after = site.attach(volume, second)
    assert after.id != before.id
    assert after.iqn == before.iqn
    assert after.ipv4 != before.ipv4


@pytest.mark.checked(sources.page("Block/Tasks/attachingvolumetomultipleinstances.htm"))
def test_an_attached_volume_cannot_be_attached_elsewhere(site, refused):
    holder, other, volume = site.launch(), site.launch(), site.volume()
    site.attach(volume, holder)
    with refused(409, "Conflict", "one of the volume attachments is not configured as shareable"):
        site.begin_attach(volume, other)
    with refused(409, "Conflict", "one of the volume attachments is not configured as shareable"):
        site.begin_attach(volume, other, is_shareable=True)
    with refused(409, "Conflict", "already attached"):
        site.begin_attach(volume, holder)


@pytest.mark.own_rule
def test_a_race_for_a_volume_has_one_winner(site):
    servers, volume = [site.launch() for _ in range(4)], site.volume()

    def race(server):
        try:
            return site.begin_attach(volume, server).data.id
        except oci.exceptions.ServiceError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(race, servers))
    assert outcomes.count("Conflict") == 3
    held = site.compute.list_volume_attachments(site.compartment, volume_id=volume.id).data
    assert [one.id for one in held] == [one for one in outcomes if one != "Conflict"]


@pytest.mark.checked(sources.page("Block/Tasks/attachingvolumetomultipleinstances.htm"))
def test_a_volume_that_is_detaching_is_not_free_yet(own_site, refused):
    site = own_site
    holder, other, volume = site.launch(), site.launch(), site.volume()
    attached = site.attach(volume, holder)
    site.api.inject("DetachVolume", stuck=True)
    site.compute.detach_volume(attached.id)
    assert site.compute.get_volume_attachment(attached.id).data.lifecycle_state == "DETACHING"
    with refused(409, "Conflict"):
        site.begin_attach(volume, other)
    with refused(409, "IncorrectState"):
        site.compute.detach_volume(attached.id)
    assert site.api.control("DELETE", "faults") == {"released": 1}
    site.settle(
        site.compute.get_volume_attachment, site.compute.get_volume_attachment(attached.id), "DETACHED"
    )
    assert site.attach(volume, other).instance_id == other.id


@pytest.mark.checked(sources.REPORTS)
def test_detaching_what_is_gone(site, refused):
    attached = site.attach(site.volume(), site.launch())
    begun = site.compute.get_volume_attachment(attached.id)
    site.compute.detach_volume(attached.id)
    site.settle(site.compute.get_volume_attachment, begun, "DETACHED")
    with refused(409, "Conflict", "not currently attached"):
        site.compute.detach_volume(attached.id)
    with refused(404, "NotAuthorizedOrNotFound"):
        site.compute.detach_volume("ocid1.volumeattachment.oc1.eu-frankfurt-1.unknown")


@pytest.mark.checked(sources.api("AttachVolume"))
def test_who_logs_in_is_kept_with_the_attachment(site):
    instance, volume = site.launch(), site.volume()
    assert not site.attach(site.volume(), instance).is_agent_auto_iscsi_login_enabled
    details = models.AttachIScsiVolumeDetails(
        instance_id=instance.id, volume_id=volume.id, is_agent_auto_iscsi_login_enabled=True
    )
    made = site.compute.attach_volume(details).data
    assert made.is_agent_auto_iscsi_login_enabled
    (listed,) = site.compute.list_volume_attachments(site.compartment, volume_id=volume.id).data
    assert listed.is_agent_auto_iscsi_login_enabled


@pytest.mark.checked(sources.api("AttachVolume"))
def test_other_domain_and_states_that_forbid_an_attachment(own_site, refused):
    site = own_site
    instance = site.launch()
    far = site.volume(domain=site.api.facts()["availability_domains"][1])
    with refused(400, "InvalidParameter", "same availability domain"):
        site.begin_attach(far, instance)
    site.api.inject("CreateVolume", stuck=True)
    details = models.CreateVolumeDetails(availability_domain=site.domain, compartment_id=site.compartment)
    unready = site.block.create_volume(details).data
    with refused(409, "IncorrectState", "PROVISIONING"):
        site.begin_attach(unready, instance)


@pytest.mark.checked(sources.page("Block/Concepts/overview.htm"))
def test_the_thirty_third_attachment(site, refused):
    instance = site.launch()
    for number in range(32):
        site.begin_attach(site.volume(f"many{number}"), instance)
    with refused(400, "LimitExceeded", "32"):
        site.begin_attach(site.volume("one-too-many"), instance)


@pytest.mark.checked(sources.REPORTS)
def test_volumes_come_off_a_stopped_and_a_crashed_server(site):
    for way in ("STOP", "crash"):
        instance = site.launch()
        attached = site.attach(site.volume(), instance)
        begun = site.compute.get_volume_attachment(attached.id)
        if way == "STOP":
            site.settle(
                site.compute.get_instance, site.compute.instance_action(instance.id, "STOP"), "STOPPED"
            )
        else:
            site.api.control("POST", f"crash/{instance.id}")
        assert site.compute.get_volume_attachment(attached.id).data.lifecycle_state == "ATTACHED"
        site.compute.detach_volume(attached.id)
        site.settle(site.compute.get_volume_attachment, begun, "DETACHED")


@pytest.mark.checked(sources.api("ListVolumeAttachments"))
def test_lists_by_instance_volume_and_domain(site):
    instance, volume = site.launch(), site.volume()
    attached = site.attach(volume, instance)
    site.attach(site.volume("bv2"), instance)

    def listed(**filters):
        return [one.id for one in site.compute.list_volume_attachments(site.compartment, **filters).data]

    assert len(listed(instance_id=instance.id)) == 2
    assert listed(volume_id=volume.id) == [attached.id]
    assert listed(volume_id=volume.id, availability_domain="Lab1:EU-FRANKFURT-1-AD-2") == []


@pytest.mark.checked(sources.SEEN)
def test_a_refused_attachment_ends_detached(own_site):
    site = own_site
    instance, volume = site.launch(), site.volume()
    site.api.inject("AttachVolume", refusal="no free portal")
    begun = site.begin_attach(volume, instance)
    assert begun.data.lifecycle_state == "ATTACHING"
    assert begun.data.iqn is None
    site.settle(site.compute.get_volume_attachment, begun, "DETACHED")
    assert site.attach(volume, instance)


@pytest.mark.own_rule
@pytest.mark.parametrize("fields", [{"is_read_only": True}, {"use_chap": True}, {"device": "/dev/sdx"}])
def test_what_is_not_modelled_is_refused_and_not_ignored(site, refused, fields):
    instance, volume = site.launch(), site.volume()
    with refused(501, "NotImplemented"):
        site.begin_attach(volume, instance, **fields)
