"""Secondary VNICs with the real SDK: attached, seen by the guest's metadata, refused, taken off.

Checked against OCI's documentation (Virtual Network Interface Cards; AttachVnic, DetachVnic): a flexible VM
has one NIC, a bare-metal host two, and the primary VNIC stays.
"""

import pytest

from tests import sources
from tests.api.conftest import models

FLEX = "VM.Standard.E4.Flex"


def storage(site):
    """The lab's second subnet."""
    (found,) = site.network.list_subnets(site.compartment, display_name="storage").data
    return found


def attach(site, instance, nic_index=1, **vnic):
    vnic = {"subnet_id": storage(site).id, "assign_public_ip": False, **vnic}
    details = models.AttachVnicDetails(
        instance_id=instance.id, nic_index=nic_index, create_vnic_details=models.CreateVnicDetails(**vnic)
    )
    return site.compute.attach_vnic(details)


@pytest.mark.checked(sources.page("Network/Tasks/managingVNICs.htm"))
def test_a_second_nic_is_attached_changed_and_taken_off(site, refused):
    instance = site.launch()
    begun = attach(site, instance, private_ip="10.0.2.20", hostname_label="storage-1")
    assert begun.data.lifecycle_state == "ATTACHING"
    attached = site.settle(site.compute.get_vnic_attachment, begun, "ATTACHED")
    assert (attached.nic_index, attached.vlan_tag, attached.subnet_id) == (1, 0, storage(site).id)
    vnic = site.network.get_vnic(attached.vnic_id).data
    assert (vnic.private_ip, vnic.is_primary, vnic.hostname_label) == ("10.0.2.20", False, "storage-1")
    listed = site.compute.list_vnic_attachments(site.compartment, instance_id=instance.id).data
    assert [one.nic_index for one in listed] == [0, 1]
    site.network.update_vnic(vnic.id, models.UpdateVnicDetails(skip_source_dest_check=True))
    assert site.network.get_vnic(vnic.id).data.skip_source_dest_check
    with refused(400, "InvalidParameter", "primary VNIC"):
        site.compute.detach_vnic(listed[0].id)
    site.compute.detach_vnic(attached.id)
    site.settle(site.compute.get_vnic_attachment, begun, "DETACHED")
    with refused(404, "NotAuthorizedOrNotFound"):
        site.network.get_vnic(vnic.id)
    with refused(409, "Conflict", "not currently attached"):
        site.compute.detach_vnic(attached.id)


@pytest.mark.checked(sources.page("Network/Tasks/managingIPaddresses.htm"))
def test_a_service_address_lives_in_the_second_subnet(site, refused):
    primary, second = [], []
    for instance in (site.launch(), site.launch()):
        joined = site.compute.list_vnic_attachments(site.compartment, instance_id=instance.id).data
        primary.append(joined[0].vnic_id)
        begun = attach(site, instance)
        second.append(site.settle(site.compute.get_vnic_attachment, begun, "ATTACHED").vnic_id)
    made = site.network.create_private_ip(
        models.CreatePrivateIpDetails(vnic_id=second[0], ip_address="10.0.2.100")
    ).data
    moved = site.network.update_private_ip(made.id, models.UpdatePrivateIpDetails(vnic_id=second[1]))
    assert moved.data.vnic_id == second[1]
    with refused(400, "InvalidParameter", "another subnet"):
        site.network.update_private_ip(made.id, models.UpdatePrivateIpDetails(vnic_id=primary[0]))
    with refused(400, "InvalidParameter", "not a usable address of subnet 10.0.2.0/24"):
        site.network.create_private_ip(
            models.CreatePrivateIpDetails(vnic_id=second[0], ip_address="10.0.0.240")
        )


@pytest.mark.checked(sources.page("Network/Tasks/managingVNICs.htm"))
def test_what_is_refused(site, refused):
    instance, flexible = site.launch(), site.launch(shape=FLEX)
    with refused(400, "InvalidParameter", "nicIndex 2 is not valid for shape BM.Optimized3.36"):
        attach(site, instance, nic_index=2)
    with refused(400, "InvalidParameter", f"nicIndex 1 is not valid for shape {FLEX}"):
        attach(site, flexible, nic_index=1)
    with refused(501, "NotImplemented", "VLAN"):
        attach(site, instance, nic_index=0)
    with refused(404, "NotAuthorizedOrNotFound"):
        attach(site, instance, subnet_id="ocid1.subnet.oc1.eu-frankfurt-1.elsewhere")
    with refused(400, "MissingParameter", "subnetId"):
        attach(site, instance, subnet_id=None)
    site.settle(site.compute.get_vnic_attachment, attach(site, flexible, nic_index=0), "ATTACHED")
    with refused(400, "LimitExceeded", "2 VNICs"):
        attach(site, flexible, nic_index=0)


@pytest.mark.checked(sources.page("Network/Tasks/managingVNICs.htm"))
def test_they_go_with_their_instance(site):
    instance = site.launch()
    begun = attach(site, instance, private_ip="10.0.2.60")
    site.settle(site.compute.get_vnic_attachment, begun, "ATTACHED")
    site.compute.terminate_instance(instance.id)
    site.settle(site.compute.get_vnic_attachment, begun, "DETACHED")
    again = attach(site, site.launch(), private_ip="10.0.2.60")
    site.settle(site.compute.get_vnic_attachment, again, "ATTACHED")
