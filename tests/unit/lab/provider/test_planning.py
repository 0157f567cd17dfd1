"""Plans of the stand-in: what is unknown, what is replaced, what is no change."""

from typing import Any

import pytest

from lab.provider.schema.planning import plan
from lab.provider.schema.schema import load
from lab.provider.schema.shape import conform
from lab.provider.schema.values import UNKNOWN, Record

ATTACHMENT = load().resources["oci_core_volume_attachment"]
INSTANCE = load().resources["oci_core_instance"]
ATTACHED = {
    "id": "ocid1.volumeattachment.a",
    "attachment_type": "iscsi",
    "instance_id": "ocid1.instance.a",
    "volume_id": "ocid1.volume.a",
    "is_shareable": False,
    "is_read_only": False,
    "iqn": "iqn.2015-12.com.oracleiaas:a",
}
RUNNING = {
    "id": "ocid1.instance.a",
    "availability_domain": "Lab1:AD-1",
    "compartment_id": "ocid1.compartment.a",
    "metadata": {"user_data": "old", "nfs_failover": "{}"},
    "freeform_tags": {},
}


def attachment(**changes: Any) -> Record:
    state: Record = conform(ATTACHMENT.block, {**ATTACHED, **changes})
    return state


def instance(**changes: Any) -> Record:
    state: Record = conform(INSTANCE.block, {**RUNNING, **changes})
    return state


def test_a_new_attachment_knows_its_arguments_only() -> None:
    config = conform(ATTACHMENT.block, {"instance_id": "i", "volume_id": "v", "attachment_type": "iscsi"})
    made = plan("oci_core_volume_attachment", ATTACHMENT, None, config, config)
    assert made.planned["instance_id"] == "i"
    assert made.planned["iqn"] is UNKNOWN
    assert made.planned["id"] is UNKNOWN
    assert made.replace == []


@pytest.mark.parametrize("argument", ["instance_id", "volume_id", "display_name", "device"])
def test_every_changed_argument_replaces_an_attachment(argument: str) -> None:
    wanted = attachment(**{argument: "another"})
    made = plan("oci_core_volume_attachment", ATTACHMENT, attachment(), wanted, {argument: "another"})
    assert made.replace == [[argument]]


def test_a_value_that_the_api_never_told_replaces_an_attachment() -> None:
    wanted = attachment(use_chap=False)
    made = plan("oci_core_volume_attachment", ATTACHMENT, attachment(), wanted, {"use_chap": False})
    assert made.replace == [["use_chap"]]


def test_timeouts_alone_are_no_change() -> None:
    prior, wanted = attachment(), attachment(timeouts={"create": "20m", "delete": "20m"})
    made = plan("oci_core_volume_attachment", ATTACHMENT, prior, wanted, wanted)
    assert made.planned == prior


def test_another_case_is_no_change() -> None:
    wanted = attachment(attachment_type="ISCSI")
    made = plan("oci_core_volume_attachment", ATTACHMENT, attachment(), wanted, {"attachment_type": "ISCSI"})
    assert made.planned == attachment()
    assert made.replace == []


def test_a_new_image_of_the_site_is_no_replacement() -> None:
    source = [{"source_type": "image", "source_id": "ocid1.image.b"}]
    prior = instance(source_details=[{"source_type": "image", "source_id": "ocid1.image.a"}])
    made = plan(
        "oci_core_instance", INSTANCE, prior, instance(source_details=source), {"source_details": source}
    )
    assert made.planned["source_details"][0]["source_id"] == "ocid1.image.b"
    assert made.replace == []


def test_the_spec_changes_in_place() -> None:
    metadata = {"user_data": "old", "nfs_failover": '{"version":1}'}
    made = plan(
        "oci_core_instance", INSTANCE, instance(), instance(metadata=metadata), {"metadata": metadata}
    )
    assert made.planned["metadata"] == metadata
    assert made.replace == []


@pytest.mark.parametrize("metadata", [{"user_data": "new", "nfs_failover": "{}"}, {"nfs_failover": UNKNOWN}])
def test_user_data_and_unknown_metadata_replace_an_instance(metadata: dict[str, Any]) -> None:
    made = plan(
        "oci_core_instance", INSTANCE, instance(), instance(metadata=metadata), {"metadata": metadata}
    )
    assert made.replace == [["metadata"]]


def test_a_partly_unknown_map_is_wholly_unknown() -> None:
    metadata = {"user_data": "old", "nfs_failover": UNKNOWN}
    made = plan("oci_core_instance", INSTANCE, None, instance(metadata=metadata), {"metadata": metadata})
    assert made.planned["metadata"] is UNKNOWN


def test_an_absent_computed_block_is_known_after_a_launch() -> None:
    wanted = instance()
    made = plan("oci_core_instance", INSTANCE, None, wanted, {})
    assert made.planned["shape_config"] is UNKNOWN


def test_a_public_address_is_the_default_and_true_is_spelled_one_way() -> None:
    wanted = instance(create_vnic_details=[{"subnet_id": "s"}])
    made = plan("oci_core_instance", INSTANCE, None, wanted, {"create_vnic_details": [{"subnet_id": "s"}]})
    assert made.planned["create_vnic_details"][0]["assign_public_ip"] == "true"
    wanted = instance(create_vnic_details=[{"assign_public_ip": "0"}])
    config = {"create_vnic_details": [{"assign_public_ip": "0"}]}
    made = plan("oci_core_instance", INSTANCE, None, wanted, config)
    assert made.planned["create_vnic_details"][0]["assign_public_ip"] == "false"


def test_an_empty_set_is_known_after_the_launch() -> None:
    """The real provider: `nsg_ids = []` is "known after apply"."""
    vnic = [{"subnet_id": "s", "nsg_ids": []}]
    made = plan(
        "oci_core_instance",
        INSTANCE,
        None,
        instance(create_vnic_details=vnic),
        {"create_vnic_details": vnic},
    )
    assert made.planned["create_vnic_details"][0]["nsg_ids"] is UNKNOWN


def test_another_case_of_a_tag_s_key_is_no_change() -> None:
    """The real provider compares keys of defined_tags without regard to case."""
    before, after = {"Operations.CostCenter": "42"}, {"operations.costcenter": "42"}
    prior, wanted = instance(defined_tags=before), instance(defined_tags=after)
    made = plan("oci_core_instance", INSTANCE, prior, wanted, {"defined_tags": after})
    assert made.planned == prior
    other = instance(defined_tags={"operations.costcenter": "43"})
    assert plan("oci_core_instance", INSTANCE, prior, other, {"defined_tags": {}}).planned != prior
