"""Backup policies: Oracle's own three, and their assignment to a volume or a volume group. None of them acts.

Source: https://docs.oracle.com/en-us/iaas/Content/Block/Tasks/schedulingvolumebackups.htm
"""

from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import conflict, not_found
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource

KIND = "volumebackuppolicyassignment"
NAMES = ("bronze", "silver", "gold")


def _policies() -> dict[str, Document]:
    """By OCID; the same ones in every lab."""
    return {
        f"ocid1.volumebackuppolicy.oc1..aaaa{name}": {
            "id": f"ocid1.volumebackuppolicy.oc1..aaaa{name}",
            "displayName": name,
            "compartmentId": None,
            "schedules": [],
            "destinationRegion": None,
            "timeCreated": "2020-01-01T00:00:00.000Z",
            "freeformTags": {},
            "definedTags": {},
        }
        for name in NAMES
    }


def list_volume_backup_policies(cloud: Tenancy, call: Call) -> list[Document]:
    """ListVolumeBackupPolicies: without a compartment Oracle's own; in a compartment none."""
    return [] if call.query.get("compartmentId") else list(_policies().values())


def list_assignments(cloud: Tenancy, call: Call) -> list[StoredResource]:
    """GetVolumeBackupPolicyAssetAssignment. Raises 404 for what is neither a volume nor a group."""
    asset = _asset(cloud, call.required_query("assetId"))
    return cloud.store.find(KIND, assetId=asset.id)


def create_assignment(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateVolumeBackupPolicyAssignment. Raises 404 for an unknown one, 409 for an asset that has one."""
    call.modelled("assetId", "policyId")
    asset, policy = _asset(cloud, call.text("assetId")), call.text("policyId")
    if policy not in _policies():
        raise not_found(policy)
    if cloud.store.find(KIND, assetId=asset.id):
        raise conflict(f"{asset.id} has a backup policy already: delete its assignment first")
    ocid = new_ocid(KIND)
    body = {"id": ocid, "assetId": asset.id, "policyId": policy, "timeCreated": timestamp()}
    return cloud.store.put(StoredResource(ocid, KIND, {**body, "xrcKmsKeyId": None}))


def delete_assignment(cloud: Tenancy, call: Call) -> None:
    """DeleteVolumeBackupPolicyAssignment."""
    cloud.store.remove(cloud.required(KIND, call.path["id"]).id)


def _asset(cloud: Tenancy, ocid: str) -> StoredResource:
    resource = cloud.store.get(ocid)
    if resource is None or resource.kind not in ("volume", "volumegroup"):
        raise not_found(ocid)
    return resource
