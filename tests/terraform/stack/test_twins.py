"""What stands twice in the stack, since Terraform 1.5 cannot share it, is the same in both places.

No expression can read a default of optional(), so site.tf repeats it for what the form describes. A
validation reads its own variable alone, and no local value, so each repeats the pattern of its values.
"""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from lab.site.stack import SOURCE
from tests import sources
from tests.terraform.text.hcl import of_kind

PURE = ("variables.tf", "form.tf", "site.tf")  # no provider is read by them, so Terraform needs no init
OCID = "ocid1.{}.oc1.ap-tokyo-1.aaaaexample"
VOLUME = "bv-aexample"  # by the form: the OCID's last eight characters
BOTH: dict[str, Any] = {
    "region": "ap-tokyo-1",
    "compartment_id": "ocid1.compartment.oc1..aaaaexample",
    "ssh_authorized_keys": "ssh-ed25519 AAAA operator@example",
    "active_server": "nfs-srv-1",
}
SUBNET = OCID.format("subnet")
# The same site twice, with no more in it than a site needs: all the rest is defaults.
FORM: dict[str, Any] = {
    "server_instance_id": OCID.format("instance"),
    "volume_ids": [OCID.format("volume")],
    "replacement_image_id": OCID.format("image"),
    "replacement_shape": "BM.Optimized3.36",
    "replacement_availability_domain": "Uocm:AP-TOKYO-1-AD-1",
    "replacement_subnet_id": SUBNET,
    "replacement_secondary_subnet_id": SUBNET,
    "export_clients": ["10.0.0.0/16"],
}
TYPED: dict[str, Any] = {
    "servers": {
        "nfs-srv-1": {"instance_id": OCID.format("instance")},
        "nfs-srv-2": {
            "image_id": OCID.format("image"),
            "shape": "BM.Optimized3.36",
            "availability_domain": "Uocm:AP-TOKYO-1-AD-1",
            "subnet_id": SUBNET,
            "secondary_vnics": {"secondary": {"subnet_id": SUBNET, "nic_index": 1}},
        },
    },
    "volumes": {VOLUME: {"volume_id": OCID.format("volume")}},
    "storage": {
        "volume_groups": {"vg1": {"volumes": [VOLUME]}},
        "filesystems": {"form": {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a"}},
        "exports": [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "fsid": 1}],
    },
}


def site(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """local.site of these variables, as Terraform evaluates it."""
    folder.mkdir()
    for name in PURE:
        shutil.copy(SOURCE / name, folder)
    (folder / "site.auto.tfvars.json").write_text(json.dumps({**BOTH, **variables}))
    console = subprocess.run(
        ["terraform", f"-chdir={folder}", "console"],
        input="jsonencode(local.site)\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert console.returncode == 0, console.stderr
    value: dict[str, Any] = json.loads(json.loads(console.stdout))
    return value


@pytest.mark.checked(sources.TERRAFORM)
def test_what_is_left_out_is_the_same_in_the_form_and_in_the_typed_variables(tmp_path: Path) -> None:
    form, typed = site(tmp_path / "form", FORM), site(tmp_path / "typed", TYPED)
    assert set(typed["servers"]["nfs-srv-1"]) >= {"agent_plugins", "secondary_vnics", "standby"}
    for part in typed:
        assert form[part] == typed[part], part


# Whose values are of one kind: what each message begins with.
KINDS = {
    "a hostname label": (
        *("active_server", "server_name", "replacement_name"),
        *("Each name in servers", "hostname in servers", "hostname in secondary_vnics"),
    ),
    "a compartment": ("compartment_id", "compartment_id in servers"),
    "an instance": ("server_instance_id", "replacement_instance_id", "instance_id in servers"),
    "an image": ("replacement_image_id", "image_id in servers"),
    "a shape": ("replacement_shape", "shape in servers"),
    "an availability domain": (
        *("replacement_availability_domain", "availability_domain in servers"),
        "availability_domain in volumes",
    ),
    "a fault domain": ("replacement_fault_domain", "fault_domain in servers"),
    "a capacity reservation": (
        *("replacement_capacity_reservation_id", "capacity_reservation_id in servers"),
    ),
    "a subnet": (
        *("replacement_subnet_id", "replacement_secondary_subnet_id"),
        *("subnet_id in servers", "subnet_id in secondary_vnics"),
    ),
    "a network security group": ("replacement_nsg_id", "nsg_ids in servers", "nsg_ids in secondary_vnics"),
    "an LVM name": (
        *("volume_group_name", "logical_volume_name"),
        *("Each name in storage.volume_groups", "logical_volume in storage.filesystems"),
    ),
    "a path": ("mount_path", "mount in storage.filesystems", "path in storage.exports"),
    "a client": ("export_clients", "clients in storage.exports"),
    "export options": ("export_options", "options in storage.exports"),
    "a UUID": ("filesystem_uuid", "uuid in storage.filesystems"),
}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PATTERN = re.compile(r'regex\(\s*"((?:[^"\\]|\\.)*)"')


def patterns() -> dict[str, tuple[str, ...]]:
    """The patterns of each validation that has any, by what its message begins with."""
    validations = [v for block in of_kind("variable").values() for v in block.body.get("validation", [])]
    return {
        " ".join(_QUOTED.findall(v["error_message"])).strip().partition(" must ")[0]: matches
        for v in validations
        if (matches := tuple(_PATTERN.findall(v["condition"])))
    }


@pytest.mark.own_rule
def test_values_of_one_kind_are_held_to_one_pattern() -> None:
    by_message = patterns()
    for kind, messages in KINDS.items():
        assert len({by_message[message] for message in messages}) == 1, kind


@pytest.mark.own_rule
def test_no_pattern_is_repeated_that_is_of_no_kind() -> None:
    messages = defaultdict(set)
    for message, matches in patterns().items():
        messages[matches].add(message)
    kinds = [set(kind) for kind in KINDS.values()]
    assert [same for same in messages.values() if len(same) > 1 and same not in kinds] == []
