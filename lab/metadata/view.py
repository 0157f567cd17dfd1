"""What the guest at one address may read: the documents of OCI's instance metadata service, version 2.

Field names and types: https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm and
cloud-init's DataSourceOracle.
"""

import ipaddress
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.api.core.store import Document

REGION_KEY = "FRA"
ENDED = ("TERMINATED",)
ATTACHMENT_FIELDS = (
    *("id", "instanceId", "volumeId", "attachmentType", "displayName", "iqn", "ipv4", "port"),
    *("device", "isReadOnly", "isShareable", "isMultipath", "multipathDevices"),
)


class AbsentError(LookupError):
    """Nothing is served under that path, or nobody is known at that address."""


@dataclass(frozen=True)
class GuestView:
    """What the guest at one address sees. `database` is the API's, opened read-only."""

    database: sqlite3.Connection
    address: str
    tenancy_id: str
    subnets: dict[str, str]  # CIDR blocks by OCID

    def document(self, path: str) -> Any:
        """The value at a path below /opc/v2/; AbsentError when there is none."""
        name, *keys = [part for part in path.split("/") if part] or [""]
        served: dict[str, Callable[[], Any]] = {
            "instance": self.instance,
            "vnics": self.vnics,
            "volumeAttachments": self.volume_attachments,
        }
        if name not in served:
            raise AbsentError(path)
        value = served[name]()
        for key in keys:
            value = _inside(value, key)
        return value

    def instance(self) -> Document:
        """/opc/v2/instance/ with OCI's keys; "timeCreated" in ms since 1970. Raises AbsentError."""
        body = self._instance()
        kept = (
            *("id", "displayName", "availabilityDomain", "faultDomain", "compartmentId", "shape"),
            *("region", "shapeConfig", "metadata", "freeformTags", "definedTags", "agentConfig"),
        )
        created = datetime.fromisoformat(body["timeCreated"])
        extended = {"extendedMetadata": body["extendedMetadata"]} if body["extendedMetadata"] else {}
        return {
            **{name: body[name] for name in kept},
            **extended,
            "canonicalRegionName": body["region"],
            "hostname": self._vnic()["hostnameLabel"],
            "image": body["imageId"],
            "ociAdName": body["availabilityDomain"].partition(":")[2].lower(),
            "regionInfo": {
                "realmDomainComponent": "oraclecloud.com",
                "realmKey": "oc1",
                "regionIdentifier": body["region"],
                "regionKey": REGION_KEY,
            },
            "state": body["lifecycleState"].capitalize(),
            "tenantId": self.tenancy_id,
            "timeCreated": int(created.timestamp() * 1000),
        }

    def vnics(self) -> list[Document]:
        """/opc/v2/vnics/: the VNICs that are attached, the primary one first, as OCI lists them.

        Each has "vnicId", "privateIp", "macAddr", "vlanTag", "virtualRouterIp", "subnetCidrBlock" and
        "nicIndex". Raises AbsentError.
        """
        joins = self._bodies("vnicattachment", "instanceId", self._instance()["id"])
        attached = [join for join in joins if join["lifecycleState"] == "ATTACHED"]
        return [self._described(join) for join in attached]

    def _described(self, join: Document) -> Document:
        (vnic,) = self._bodies("vnic", "id", join["vnicId"])
        network = ipaddress.ip_network(self.subnets[vnic["subnetId"]])
        return {
            "vnicId": vnic["id"],
            "privateIp": vnic["privateIp"],
            "macAddr": vnic["macAddress"],
            "vlanTag": join["vlanTag"],
            "virtualRouterIp": str(network[1]),
            "subnetCidrBlock": str(network),
            "nicIndex": join["nicIndex"],
        }

    def volume_attachments(self) -> list[Document]:
        """/opc/v2/volumeAttachments/: ATTACHED ones alone, with ATTACHMENT_FIELDS. Raises AbsentError."""
        instance_id = self._instance()["id"]
        rows = self._bodies("volumeattachment", "instanceId", instance_id)
        attached = [row for row in rows if row["lifecycleState"] == "ATTACHED"]
        return [{name: row.get(name) for name in ATTACHMENT_FIELDS} for row in attached]

    def _vnic(self) -> Document:
        for address in self._bodies("privateip", "ipAddress", self.address):
            for vnic in self._bodies("vnic", "id", address["vnicId"]):
                return vnic
        raise AbsentError(f"no instance has the address {self.address}")

    def _instance(self) -> Document:
        joins = self._bodies("vnicattachment", "vnicId", self._vnic()["id"])
        for instance in self._bodies("instance", "id", joins[0]["instanceId"]):
            if instance["lifecycleState"] not in ENDED:
                return instance
        raise AbsentError(f"no living instance has the address {self.address}")

    def _bodies(self, kind: str, name: str, value: str) -> list[Document]:
        statement = "SELECT body FROM resources WHERE kind = ? AND json_extract(body, '$.' || ?) = ?"
        rows = self.database.execute(f"{statement} ORDER BY seq", (kind, name, value))
        return [json.loads(row[0]) for row in rows]


def _inside(value: Any, key: str) -> Any:
    if isinstance(value, dict) and value.get(key) is not None:
        return value[key]
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    raise AbsentError(key)


def as_text(value: Any) -> tuple[str, str]:
    """A value as it is served, and its media type: strings and numbers as they stand, the rest as JSON."""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, indent=2), "application/json"
    return str(value), "text/plain"
