"""One site twice: as typed variables, and as the strings that Resource Manager passes for its form."""

import json
from typing import Any

from tests.terraform.sites.laid_stack import Variables

TYPED = ("servers", "volumes", "storage")


def as_form(site: Variables, vcn_id: str) -> dict[str, str]:
    """TF_VAR_ environment variables: all are strings, lists are JSON, what is not filled in is empty."""
    replacement = site["servers"]["nfs-srv-2"]
    filled: dict[str, Any] = {
        "active_server": "nfs-srv-1",
        "region": site["region"],
        "compartment_id": site["compartment_id"],
        "ssh_authorized_keys": site["ssh_authorized_keys"],
        "server_name": "nfs-srv-1",
        "server_instance_id": site["servers"]["nfs-srv-1"]["instance_id"],
        "volume_ids": [volume["volume_id"] for volume in site["volumes"].values()],
        "replacement_name": "nfs-srv-2",
        "replacement_exists": False,
        "replacement_instance_id": "",
        "replacement_image_id": replacement["image_id"],
        "replacement_availability_domain": replacement["availability_domain"],
        "replacement_fault_domain": "",
        "replacement_shape": replacement["shape"],
        "replacement_is_flexible": False,
        "replacement_ocpus": 16,
        "replacement_memory_in_gbs": 128,
        "replacement_boot_volume_size_in_gbs": 0,
        "replacement_capacity_reservation_id": "",
        "replacement_standby": True,
        "vcn_id": vcn_id,
        "replacement_subnet_id": replacement["subnet_id"],
        "replacement_nsg_id": "",
        "replacement_private_ip": replacement["private_ip"],
        "replacement_secondary_subnet_id": "",
        "replacement_secondary_nic_index": 1,
        "replacement_secondary_private_ip": "",
        "service_ip": "",
        "dns_name": "",
        "dns_zone": "",
        "dns_view_id": "",
        "dns_ttl": 30,
        "uses_lvm": True,
        "filesystem_uuid": "",
        "volume_group_name": "vg1",
        "logical_volume_name": "lv01",
        "filesystem_type": "xfs",
        "mount_path": "/mnt/a",
        "export_clients": ["10.0.0.0/16"],
        "export_options": "rw,sync,no_subtree_check",
        "export_fsid": 1,
        "settings_files": [],
        "keep_locks": False,
        "nfs_lease_seconds": 30,
        "nfs_grace_seconds": 45,
        "fence": "power",
    }
    return {f"TF_VAR_{name}": _text(value) for name, value in filled.items()}


def as_typed(site: Variables) -> Variables:
    """The same site in typed variables, its volumes named as the form names them."""
    volumes = {f"bv-{v['volume_id'][-8:]}": v for v in site["volumes"].values()}
    groups = {"vg1": {"volumes": sorted(volumes)}}
    servers = {**site["servers"], "nfs-srv-2": {**site["servers"]["nfs-srv-2"], "standby": True}}
    storage = {**site["storage"], "volume_groups": groups}
    return {**site, "servers": servers, "volumes": volumes, "storage": storage}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
