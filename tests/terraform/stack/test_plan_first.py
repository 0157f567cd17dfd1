"""The first plan of the standard site: nfs-srv-2 does not exist yet."""

import pytest

from tests import sources
from tests.terraform.sites.laid_stack import LaidStack

pytestmark = pytest.mark.checked(sources.RUN)


def test_it_attaches_both_volumes_and_nothing_else(fresh: LaidStack) -> None:
    assert fresh.actions() == {
        'oci_core_volume_attachment.data["bv1"]': ["create"],
        'oci_core_volume_attachment.data["bv2"]': ["create"],
    }


def test_a_server_to_launch_adds_one_instance(fresh: LaidStack) -> None:
    assert fresh.actions(launch=["nfs-srv-2"]) == {
        'oci_core_instance.server["nfs-srv-2"]': ["create"],
        'oci_core_volume_attachment.data["bv1"]': ["create"],
        'oci_core_volume_attachment.data["bv2"]': ["create"],
    }


def test_its_planned_output_knows_both_servers(fresh: LaidStack) -> None:
    servers = fresh.plan().output_changes["failover"]["after"]["servers"]
    assert servers["nfs-srv-1"]["exists"]
    assert servers["nfs-srv-1"]["adopted"]
    assert servers["nfs-srv-2"]["instance_id"] is None
    assert not servers["nfs-srv-2"]["exists"]
    assert servers["nfs-srv-2"]["hostname"] == "nfs-srv-2"
