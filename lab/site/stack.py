"""The lab's copy of terraform/, and the variables of the lab's standard site."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.system.paths import ROOT

SOURCE = ROOT / "terraform"
VARIABLES_FILE = "site.auto.tfvars.json"
SHAPE = "BM.Optimized3.36"
_ACTIVE_FILE = "active.auto.tfvars"


def lay_stack(run: Path, variables: Mapping[str, Any]) -> Path:
    """Copy the stack to RUN/stack and write the site's variables beside it; returns that directory.

    Laying it again brings code and variables up to date and leaves state, .terraform and the active server as
    they are. `active_server` does not belong in `variables`: it would override active.auto.tfvars.
    Raises ValueError when it is there.
    """
    if "active_server" in variables:
        raise ValueError(f"active_server is set in {_ACTIVE_FILE}, not in the site's variables: leave it out")
    stack = run / "stack"
    stack.mkdir(parents=True, exist_ok=True)
    for stale in stack.glob("*.tf"):
        stale.unlink()
    for file in SOURCE.glob("*.tf"):
        shutil.copy(file, stack)
    if not (stack / _ACTIVE_FILE).exists():
        shutil.copy(SOURCE / _ACTIVE_FILE, stack)
    if (SOURCE / "rendered").is_dir():
        # another drill may be rendering there: what it has not finished begins with a dot
        unfinished = shutil.ignore_patterns(".*")
        shutil.copytree(SOURCE / "rendered", stack / "rendered", dirs_exist_ok=True, ignore=unfinished)
    (stack / VARIABLES_FILE).write_text(json.dumps(variables, indent=2) + "\n", encoding="utf-8")
    return stack


def site_variables(
    cloud: Mapping[str, Any],
    *,
    server_id: str,
    image_id: str,
    volume_ids: Mapping[str, str],
    ssh_authorized_keys: str,
    standby: bool = False,
    storage: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Variables of a site: nfs-srv-1 adopted, nfs-srv-2 from an image, `storage` on the volumes.

    `cloud` is RUN/cloud.json; `volume_ids` has an OCID for each volume's name. Without `storage`: the lab's.
    """
    return {
        "region": cloud["region"],
        "compartment_id": cloud["compartment_id"],
        "ssh_authorized_keys": ssh_authorized_keys,
        "servers": {
            "nfs-srv-1": {"instance_id": server_id},
            "nfs-srv-2": {
                "image_id": image_id,
                "shape": SHAPE,
                "availability_domain": cloud["availability_domains"][0],
                "subnet_id": cloud["subnet_id"],
                "private_ip": "10.0.0.12",
                "standby": standby,
            },
        },
        "volumes": {name: {"volume_id": ocid} for name, ocid in volume_ids.items()},
        "storage": dict(storage) if storage else _storage(list(volume_ids)),
    }


def changes_in(shown: Mapping[str, Any]) -> int:
    """How many resources a plan (`terraform show -json`) would change."""
    return sum(c["change"]["actions"] not in (["no-op"], ["read"]) for c in shown.get("resource_changes", []))


def _storage(volumes: list[str]) -> dict[str, Any]:
    return {
        "volume_groups": {"vg1": {"volumes": volumes}},
        "filesystems": {"a": {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a"}},
        "exports": [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "fsid": 1}],
    }
