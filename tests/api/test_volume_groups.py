"""Volume groups, clones, backups and backup policies through the real SDK: states, members, refusals."""

import time

import oci
import pytest

from tests import sources
from tests.api.conftest import models

GROUPS = sources.page("Block/Concepts/volumegroups.htm")


def group_details(site, source, **fields):
    details = {"availability_domain": site.domain, "compartment_id": site.compartment, "display_name": "g"}
    return models.CreateVolumeGroupDetails(**{**details, "source_details": source, **fields})


def of_volumes(*volumes):
    return models.VolumeGroupSourceFromVolumesDetails(volume_ids=[one.id for one in volumes])


def of_backup(ocid):
    return models.VolumeGroupSourceFromVolumeGroupBackupDetails(volume_group_backup_id=ocid)


def of_group(group):
    return models.VolumeGroupSourceFromVolumeGroupDetails(volume_group_id=group.id)


def grouped(site, *volumes, **fields):
    """An AVAILABLE group of these volumes."""
    made = site.block.create_volume_group(group_details(site, of_volumes(*volumes), **fields))
    return site.settle(site.block.get_volume_group, made, "AVAILABLE")


@pytest.mark.checked(GROUPS)
def test_a_group_has_its_volumes_until_it_is_deleted_and_they_stay(site):
    volumes = [site.volume(), site.volume("bv2")]
    made = site.block.create_volume_group(
        group_details(site, of_volumes(*volumes), freeform_tags={"kept": "yes"})
    )
    assert made.data.lifecycle_state == "PROVISIONING"
    group = site.settle(site.block.get_volume_group, made, "AVAILABLE")
    assert isinstance(group, models.VolumeGroup)
    assert group.volume_ids == [one.id for one in volumes]
    assert (group.size_in_gbs, group.freeform_tags) == (100, {"kept": "yes"})
    assert isinstance(group.source_details, models.VolumeGroupSourceFromVolumesDetails)
    assert {site.block.get_volume(one.id).data.volume_group_id for one in volumes} == {group.id}
    assert group.id in [one.id for one in site.block.list_volume_groups(site.compartment).data]
    site.block.delete_volume_group(group.id)
    site.settle(site.block.get_volume_group, site.block.get_volume_group(group.id), "TERMINATED")
    for one in volumes:
        left = site.block.get_volume(one.id).data
        assert (left.lifecycle_state, left.volume_group_id) == ("AVAILABLE", None)


@pytest.mark.checked(GROUPS)
def test_a_clone_of_a_group_is_a_group_of_new_volumes_that_can_be_attached(site):
    source = grouped(site, site.volume(), site.volume("bv2"))
    server = site.launch()
    site.attach(site.block.get_volume(source.volume_ids[0]).data, server)  # a clone needs no detach
    tagged = group_details(site, of_group(source), freeform_tags={"clone": "1"})
    clone = site.settle(site.block.get_volume_group, site.block.create_volume_group(tagged), "AVAILABLE")
    assert clone.source_details.volume_group_id == source.id
    assert len(set(clone.volume_ids) | set(source.volume_ids)) == 4
    copies = [site.block.get_volume(one).data for one in clone.volume_ids]
    assert [one.source_details.id for one in copies] == source.volume_ids
    assert [(one.lifecycle_state, one.volume_group_id) for one in copies] == [("AVAILABLE", clone.id)] * 2
    assert isinstance(copies[0].source_details, models.VolumeSourceFromVolumeDetails)
    other = site.launch()
    portal, before = (
        site.attach(copies[0], other),
        site.compute.list_volume_attachments(site.compartment, volume_id=source.volume_ids[0]).data[0],
    )
    assert portal.iqn != before.iqn


@pytest.mark.own_rule
def test_a_clone_names_its_volumes_only_when_it_is_made_though_they_are_there(own_site):
    site = own_site
    source = grouped(site, site.volume())
    site.api.control("POST", "faults", {"operation": "CreateVolumeGroup", "stuck": True})
    clone = site.block.create_volume_group(group_details(site, of_group(source))).data
    assert (clone.lifecycle_state, clone.volume_ids) == ("PROVISIONING", [])
    there = [
        one
        for one in site.block.list_volumes(compartment_id=site.compartment).data
        if one.volume_group_id == clone.id
    ]
    assert [one.lifecycle_state for one in there] == ["PROVISIONING"]
    site.api.control("DELETE", "faults")
    site.settle(site.block.get_volume_group, site.block.get_volume_group(clone.id), "AVAILABLE")


@pytest.mark.own_rule
def test_a_clone_that_the_storage_cannot_make_stays_faulty_and_can_be_deleted(own_site):
    site = own_site
    source = grouped(site, site.volume())
    site.api.control("POST", "faults", {"operation": "CreateVolumeGroup", "refusal": "no room"})
    made = site.block.create_volume_group(group_details(site, of_group(source)))
    clone = site.settle(site.block.get_volume_group, made, "FAULTY")
    (left,) = clone.volume_ids
    assert site.block.get_volume(left).data.lifecycle_state == "FAULTY"
    site.block.delete_volume_group(clone.id)
    site.settle(site.block.get_volume_group, site.block.get_volume_group(clone.id), "TERMINATED")
    site.block.delete_volume(left)
    site.settle(site.block.get_volume, site.block.get_volume(left), "TERMINATED")
    assert site.block.get_volume_group(source.id).data.lifecycle_state == "AVAILABLE"


@pytest.mark.checked(GROUPS)
def test_what_a_group_refuses(site, refused):
    volume, far = site.volume(), site.volume("far", domain=site.api.facts()["availability_domains"][1])
    group = grouped(site, volume)
    create = site.block.create_volume_group
    with refused(409, "Conflict", "in volume group"):
        create(group_details(site, of_volumes(volume)))
    with refused(400, "InvalidParameter", "the group in"):
        create(group_details(site, of_volumes(far)))
    with refused(400, "InvalidParameter", "cannot be in"):
        create(group_details(site, of_group(group), availability_domain=far.availability_domain))
    with refused(400, "InvalidParameter", "each once"):
        create(group_details(site, of_volumes()))
    with refused(404, "NotAuthorizedOrNotFound"):
        create(group_details(site, of_group(volume)))
    with refused(400, "InvalidParameter", "255"):
        create(group_details(site, of_volumes(site.volume()), display_name="n" * 256))
    with refused(404, "NotAuthorizedOrNotFound"):
        create(group_details(site, of_backup("ocid1.volumegroupbackup.oc1..none")))
    with refused(501, "NotImplemented", "volumeGroupReplicaId"):
        replica = models.VolumeGroupSourceFromVolumeGroupReplicaDetails(volume_group_replica_id="x")
        create(group_details(site, replica))


@pytest.mark.checked(GROUPS)
def test_a_group_has_at_most_32_volumes(own_site, refused):
    volumes = [own_site.volume(f"bv{number}") for number in range(33)]
    with refused(400, "LimitExceeded", "at most 32 volumes"):
        own_site.block.create_volume_group(group_details(own_site, of_volumes(*volumes)))


@pytest.mark.own_rule
def test_a_volume_of_a_group_is_not_deleted(site, refused):
    volume = site.volume()
    grouped(site, volume)
    with refused(409, "Conflict", "is in volume group"):
        site.block.delete_volume(volume.id)


@pytest.mark.checked(sources.api("UpdateVolumeGroup"))
def test_members_and_tags_of_a_group_are_changed(site, refused):
    first, second = site.volume(), site.volume("bv2")
    group = grouped(site, first)
    details = models.UpdateVolumeGroupDetails(volume_ids=[second.id], freeform_tags={"a": "b"})
    changed = site.block.update_volume_group(group.id, details).data
    assert (changed.volume_ids, changed.freeform_tags) == ([second.id], {"a": "b"})
    assert site.block.get_volume(first.id).data.volume_group_id is None


@pytest.mark.checked(sources.page("Block/Tasks/cloningavolume.htm"))
def test_a_single_volume_is_cloned_in_its_own_domain_and_never_smaller(site, refused):
    source = site.volume()

    def clone(domain=site.domain, **fields):
        return site.block.create_volume(
            models.CreateVolumeDetails(
                availability_domain=domain,
                compartment_id=site.compartment,
                source_details=models.VolumeSourceFromVolumeDetails(id=source.id),
                **fields,
            )
        )

    made = site.settle(site.block.get_volume, clone(size_in_gbs=60), "AVAILABLE")
    assert (made.source_details.id, made.size_in_gbs, made.is_hydrated) == (source.id, 60, True)
    with refused(400, "InvalidParameter", "cannot be in"):
        clone(site.api.facts()["availability_domains"][1])
    big = site.settle(site.block.get_volume, clone(size_in_gbs=80), "AVAILABLE")
    source = big
    with refused(400, "InvalidParameter", "80 or more"):
        clone(size_in_gbs=60)


@pytest.mark.checked(sources.api("VolumeGroupBackup"))
def test_a_backup_of_a_group_has_one_of_each_volume(site):
    group = grouped(site, site.volume(), site.volume("bv2"))
    details = models.CreateVolumeGroupBackupDetails(volume_group_id=group.id, type="FULL", display_name="b")
    made = site.block.create_volume_group_backup(details)
    backup = site.settle(site.block.get_volume_group_backup, made, "AVAILABLE")
    parts = [site.block.get_volume_backup(one).data for one in backup.volume_backup_ids]
    assert [one.volume_id for one in parts] == group.volume_ids
    assert {one.lifecycle_state for one in parts} == {"AVAILABLE"}
    listed = site.block.list_volume_group_backups(site.compartment, volume_group_id=group.id).data
    assert [one.id for one in listed] == [backup.id]
    (of_one,) = site.block.list_volume_backups(site.compartment, volume_id=group.volume_ids[0]).data
    assert of_one.id == parts[0].id
    site.block.delete_volume_group_backup(backup.id)
    site.settle(
        site.block.get_volume_group_backup, site.block.get_volume_group_backup(backup.id), "TERMINATED"
    )
    assert site.block.get_volume_backup(parts[0].id).data.lifecycle_state == "TERMINATED"


@pytest.mark.checked(sources.page("Block/Tasks/managingvolumegroups.htm"))
def test_a_group_is_restored_from_a_backup_with_a_volume_of_each(site, refused):
    group = grouped(site, site.volume(), site.volume("bv2"))
    details = models.CreateVolumeGroupBackupDetails(volume_group_id=group.id)
    made = site.block.create_volume_group_backup(details)
    backup = site.settle(site.block.get_volume_group_backup, made, "AVAILABLE")
    restored = site.settle(
        site.block.get_volume_group,
        site.block.create_volume_group(group_details(site, of_backup(backup.id))),
        "AVAILABLE",
    )
    assert restored.source_details.volume_group_backup_id == backup.id
    volumes = [site.block.get_volume(one).data for one in restored.volume_ids]
    assert [one.source_details.id for one in volumes] == backup.volume_backup_ids
    assert {one.source_details.type for one in volumes} == {"volumeBackup"}
    assert {one.lifecycle_state for one in volumes} == {"AVAILABLE"}
    assert not {one.id for one in volumes} & set(group.volume_ids)
    with refused(400, "InvalidParameter", "availabilityDomain"):
        site.block.create_volume_group(
            group_details(site, of_backup(backup.id), availability_domain="elsewhere")
        )
    site.block.delete_volume_group_backup(backup.id)
    site.settle(
        site.block.get_volume_group_backup, site.block.get_volume_group_backup(backup.id), "TERMINATED"
    )
    with refused(409, "IncorrectState", "must be AVAILABLE"):
        site.block.create_volume_group(group_details(site, of_backup(backup.id)))


@pytest.mark.checked(sources.page("Block/Tasks/schedulingvolumebackups.htm"))
def test_a_group_has_one_backup_policy_at_a_time(site, refused):
    group = grouped(site, site.volume())
    policies = {one.display_name: one.id for one in site.block.list_volume_backup_policies().data}
    assert set(policies) == {"bronze", "silver", "gold"}
    ask = site.block.get_volume_backup_policy_asset_assignment
    assert ask(group.id).data == []
    details = models.CreateVolumeBackupPolicyAssignmentDetails(
        asset_id=group.id, policy_id=policies["silver"]
    )
    made = site.block.create_volume_backup_policy_assignment(details).data
    assert [(one.id, one.policy_id) for one in ask(group.id).data] == [(made.id, policies["silver"])]
    with refused(409, "Conflict", "already"):
        site.block.create_volume_backup_policy_assignment(details)
    site.block.delete_volume_backup_policy_assignment(made.id)
    assert ask(group.id).data == []


@pytest.mark.checked(sources.SDK)
def test_the_waiters_of_the_sdk_follow_a_clone(own_site):
    site = own_site
    source = grouped(site, site.volume())
    composite = oci.core.BlockstorageClientCompositeOperations(site.block)
    start = time.monotonic()
    clone = composite.create_volume_group_and_wait_for_state(
        group_details(site, of_group(source)), ["AVAILABLE"], waiter_kwargs={"max_interval_seconds": 1}
    ).data
    assert clone.lifecycle_state == "AVAILABLE"
    assert time.monotonic() - start < 60
