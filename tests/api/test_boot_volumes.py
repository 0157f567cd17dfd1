"""Clones of boot volumes and instances that boot them, through the real SDK."""

import oci
import pytest

from tests import sources

models = oci.core.models


def boot_volume_of(site, instance):
    joined = site.compute.list_boot_volume_attachments(
        instance.availability_domain, site.compartment, instance_id=instance.id
    ).data
    return site.block.get_boot_volume(joined[0].boot_volume_id).data


def clone_details(site, boot, **fields):
    source = models.BootVolumeSourceFromBootVolumeDetails(id=boot.id)
    return models.CreateBootVolumeDetails(compartment_id=site.compartment, source_details=source, **fields)


def clone(site, boot, **fields):
    made = site.block.create_boot_volume(clone_details(site, boot, **fields))
    assert made.data.lifecycle_state == "PROVISIONING"
    return site.settle(site.block.get_boot_volume, made, "AVAILABLE")


def booting(site, name, boot):
    source = models.InstanceSourceViaBootVolumeDetails(boot_volume_id=boot.id)
    return site.launch_details(name, source_details=source)


@pytest.mark.checked(sources.api("CreateBootVolume"))
def test_a_boot_volume_in_use_is_cloned_and_boots_an_instance_that_is_imaged(site, refused):
    server = site.launch()
    boot = boot_volume_of(site, server)
    copied = clone(site, boot, freeform_tags={"run": "one"})
    assert copied.source_details.id == boot.id
    assert copied.freeform_tags == {"run": "one"}
    assert copied.size_in_gbs == boot.size_in_gbs
    assert site.compute.get_instance(server.id).data.lifecycle_state == "RUNNING"
    maker = site.settle(
        site.compute.get_instance, site.compute.launch_instance(booting(site, "maker", copied)), "RUNNING"
    )
    assert maker.source_details.boot_volume_id == copied.id
    assert boot_volume_of(site, maker).id == copied.id
    with refused(409, "Conflict", "attached"):
        site.compute.launch_instance(booting(site, "second", copied))
    with refused(409, "Conflict", "attached"):
        site.block.delete_boot_volume(copied.id)
    details = models.CreateImageDetails(compartment_id=site.compartment, instance_id=maker.id)
    image = site.settle(site.compute.get_image, site.compute.create_image(details), "AVAILABLE")
    site.compute.terminate_instance(maker.id, preserve_boot_volume=False)
    site.settle(site.compute.get_instance, site.compute.get_instance(maker.id), "TERMINATED")
    assert site.block.get_boot_volume(copied.id).data.lifecycle_state == "TERMINATED"
    source = models.InstanceSourceViaImageDetails(image_id=image.id)
    assert site.launch(source_details=source).image_id == image.id


@pytest.mark.checked(sources.api("CreateBootVolume"))
def test_a_clone_that_nothing_boots_is_deleted_and_what_cannot_be_cloned_is_refused(site, refused):
    boot = boot_volume_of(site, site.launch())
    copied = clone(site, boot, display_name="left")
    with refused(404, "NotAuthorizedOrNotFound"):
        site.block.create_boot_volume(clone_details(site, models.BootVolume(id="ocid1.bootvolume.oc1..x")))
    other = site.api.facts()["availability_domains"][1]
    with refused(400, "InvalidParameter", boot.availability_domain):
        site.block.create_boot_volume(clone_details(site, boot, availability_domain=other))
    site.block.delete_boot_volume(copied.id)
    site.settle(site.block.get_boot_volume, site.block.get_boot_volume(copied.id), "TERMINATED")
    with refused(409, "IncorrectState"):
        site.compute.launch_instance(booting(site, "late", copied))


@pytest.mark.own_rule
def test_a_clone_that_fails_is_faulty_and_can_be_deleted(own_site):
    site = own_site
    boot = boot_volume_of(site, site.launch())
    site.api.inject("CreateBootVolume", refusal="the clone failed")
    made = site.block.create_boot_volume(clone_details(site, boot))
    failed = site.settle(site.block.get_boot_volume, made, "FAULTY")
    site.block.delete_boot_volume(failed.id)
    site.settle(site.block.get_boot_volume, made, "TERMINATED")
