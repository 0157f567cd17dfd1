"""Private DNS as the real SDK meets it: a record set belongs to a zone, and a zone to a view."""

import oci
import pytest

from tests import sources

models = oci.dns.models


@pytest.fixture(scope="module")
def names(site):
    config = oci.config.from_file(str(site.api.config_file))
    return oci.dns.DnsClient(config, service_endpoint=site.api.endpoint)


@pytest.fixture(scope="module")
def view(site, names):
    return names.create_view(models.CreateViewDetails(compartment_id=site.compartment)).data.id


@pytest.fixture(scope="module")
def zone(site, names, view):
    details = models.CreateZoneDetails(
        compartment_id=site.compartment, name="hpc.example", zone_type="PRIMARY"
    )
    return names.create_zone(details, scope="PRIVATE", view_id=view).data


def record(address, ttl=30, domain="nfs.hpc.example", kind="A"):
    item = models.RecordDetails(domain=domain, rtype=kind, rdata=address, ttl=ttl)
    return models.UpdateRRSetDetails(items=[item])


@pytest.mark.checked(sources.api("UpdateRRSet, GetRRSet, DeleteRRSet"))
def test_a_set_is_written_as_a_whole_read_and_removed(names, view, zone):
    assert zone.view_id == view
    assert names.get_rr_set(zone.id, "nfs.hpc.example", "A").data.items == []
    names.update_rr_set(zone.id, "nfs.hpc.example", "A", record("10.0.0.11"))
    names.update_rr_set(zone.id, "nfs.hpc.example", "A", record("10.0.0.12", ttl=60))
    (found,) = names.get_rr_set("hpc.example", "NFS.hpc.example.", "A", view_id=view).data.items
    assert (found.domain, found.rdata, found.ttl) == ("nfs.hpc.example", "10.0.0.12", 60)
    assert names.get_rr_set(zone.id, "nfs.hpc.example", "TXT").data.items == []
    names.delete_rr_set(zone.id, "nfs.hpc.example", "A")
    assert names.get_rr_set(zone.id, "nfs.hpc.example", "A").data.items == []


@pytest.mark.checked(sources.api("UpdateRRSet"))
def test_what_is_in_no_zone_is_refused(names, zone, view, refused):
    with refused(400, "InvalidParameter", "not in zone hpc.example"):
        names.get_rr_set(zone.id, "nfs.other.example", "A")
    with refused(400, "InvalidParameter", "in the set nfs.hpc.example A"):
        names.update_rr_set(
            zone.id, "nfs.hpc.example", "A", record("10.0.0.1", domain="elsewhere.hpc.example")
        )
    with refused(404, "NotAuthorizedOrNotFound"):
        names.get_rr_set("other.example", "nfs.other.example", "A", view_id=view)
    with refused(400, "MissingParameter", "viewId"):
        names.get_rr_set("hpc.example", "nfs.hpc.example", "A")


@pytest.mark.own_rule
def test_what_is_not_modelled_says_so(names, site, view, zone, refused):
    public = models.CreateZoneDetails(
        compartment_id=site.compartment, name="public.example", zone_type="PRIMARY"
    )
    with refused(501, "NotImplemented", "not a private primary one"):
        names.create_zone(public)
    with refused(409, "Conflict"):
        again = models.CreateZoneDetails(
            compartment_id=site.compartment, name="hpc.example", zone_type="PRIMARY"
        )
        names.create_zone(again, scope="PRIVATE", view_id=view)
    with refused(501, "NotImplemented"):
        names.get_zone(zone.id)


@pytest.mark.checked(sources.api("CreateComputeCapacityReservation"))
def test_a_launch_must_fit_its_capacity_reservation(site, refused):
    core = oci.core.models
    details = core.CreateComputeCapacityReservationDetails(
        compartment_id=site.compartment,
        availability_domain=site.domain,
        instance_reservation_configs=[
            core.InstanceReservationConfigDetails(instance_shape="BM.Optimized3.36", reserved_count=1)
        ],
    )
    made = site.compute.create_compute_capacity_reservation(details).data
    assert made.reserved_instance_count == 1
    site.launch("reserved", capacity_reservation_id=made.id)
    assert site.compute.get_compute_capacity_reservation(made.id).data.used_instance_count == 1
    with refused(501, "NotImplemented", "used up"):
        site.launch("too-many", capacity_reservation_id=made.id)
    with refused(404, "NotAuthorizedOrNotFound"):
        site.launch("nowhere", capacity_reservation_id="ocid1.capacityreservation.oc1..none")


def operation(kind, address=None):
    record = {"rdata": address, "ttl": 30} if address else {}
    return models.RecordOperation(operation=kind, domain="nfs.hpc.example", rtype="A", **record)


@pytest.mark.checked(sources.SEEN)
def test_a_set_is_patched_on_the_condition_that_there_is_none(names, zone, refused):
    """So the real provider creates a record."""

    def patch(*operations):
        details = models.PatchRRSetDetails(items=list(operations))
        return names.patch_rr_set(zone.id, "nfs.hpc.example", "A", details).data.items

    made = patch(operation("PROHIBIT"), operation("ADD", "10.0.0.11"))
    assert [one.rdata for one in made] == ["10.0.0.11"]
    with refused(409, "Conflict", "a prohibited record exists"):
        patch(operation("ADD", "10.0.0.12"), operation("PROHIBIT"))
    assert [one.rdata for one in names.get_rr_set(zone.id, "nfs.hpc.example", "A").data.items] == [
        "10.0.0.11"
    ]
    with refused(409, "Conflict", "a required record does not exist"):
        patch(operation("REQUIRE", "10.0.0.99"))
    assert patch(operation("REMOVE", "10.0.0.11"), operation("ADD", "10.0.0.13"))[0].rdata == "10.0.0.13"
    names.delete_rr_set(zone.id, "nfs.hpc.example", "A")
