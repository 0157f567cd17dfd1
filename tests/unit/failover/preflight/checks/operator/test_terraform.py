"""The state's lock, Terraform's plan and the rendered document."""

import pytest

from failover.model.resource_change import Change
from failover.preflight.check import CheckResult
from failover.preflight.checks.operator import terraform
from tests.unit.failover.preflight.ground import complete

ATTACH = Change('oci_core_volume_attachment.data["bv1"]', ("delete", "create"))


OWN = 'oci_core_instance.server["nfs-srv-2"]'


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ([], CheckResult.OK),
        ([ATTACH], CheckResult.WARNING),
        ([Change(OWN, ("update",))], CheckResult.WARNING),
        ([Change(OWN, ("delete", "create"))], CheckResult.BLOCKING),
        ([Change('oci_core_instance.server["nfs-srv-3"]', ("create",))], CheckResult.BLOCKING),
        ([ATTACH, Change('oci_core_volume.data["bv1"]', ("update",))], CheckResult.BLOCKING),
    ],
)
def test_a_plan(changes: list[Change], outcome: CheckResult) -> None:
    found = terraform.judge_plan(changes, "nfs-srv-2")
    assert found.outcome is outcome
    assert complete(found)


def test_a_name_that_has_a_record_already_is_told_with_the_import() -> None:
    """Terraform makes the set on the condition that there is none: the 409 would come after the volumes."""
    found = terraform.judge_name("hpc.example", "nfs.hpc.example", "ocid1.dnsview.v", ["10.0.0.9"])
    assert found.outcome is CheckResult.BLOCKING
    assert "of 10.0.0.9" in found.actual
    where = "zoneNameOrId/hpc.example/domain/nfs.hpc.example/rtype/A/scope/PRIVATE/viewId/ocid1.dnsview.v"
    assert f"terraform import 'oci_dns_rrset.service[0]' {where}" in found.remedy
    assert "viewId" not in terraform.judge_name("ocid1.dns-zone.z", "n", None, ["10.0.0.9"]).remedy
    assert terraform.judge_name("hpc.example", "nfs.hpc.example", None, []).outcome is CheckResult.OK


def test_a_lock() -> None:
    assert terraform.judge_lock(None, waits=False).outcome is CheckResult.OK
    assert terraform.judge_lock("process 7", waits=False).outcome is CheckResult.BLOCKING
    assert terraform.judge_lock("process 7", waits=True).outcome is CheckResult.WARNING


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ("same", CheckResult.OK),
        ("older", CheckResult.WARNING),
        (None, CheckResult.BLOCKING),
        ("", CheckResult.BLOCKING),
    ],
)
def test_a_rendered_document(found: str | None, outcome: CheckResult) -> None:
    check = terraform.judge_rendered(found, "same")
    assert check.outcome is outcome
    assert complete(check)
