"""A server built by hand without LVM, and one launched from an image that was taken while it served.

Its fstab is the image's: lines without `nofail`, for disks that are not there in the new server's first boot.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oci.core.models import CreateImageDetails
from rich.console import Console

from lab.client.api_process import ApiProcess
from lab.client.wait import wait_for_state
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER, SUCCESSOR
from lab.site.stack import VARIABLES_FILE

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

OFF = "#nfs-failover off: "
OUTER, INNER = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10", "1a2b3c4d-6f1e-4b0e-9c3c-8d0c5a7e1f11"
STORAGE = {
    "filesystems": {
        "a": {"volume": "bv1", "mount": "/mnt/a", "uuid": OUTER},
        "inner": {"volume": "bv2", "mount": "/mnt/a/inner", "uuid": INNER},
    },
    "exports": [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "fsid": 1}],
}
LINES = [
    f"UUID={OUTER}\t/mnt/a/\txfs\tdefaults,noatime\t0 0",
    "LABEL=inner /mnt/a/inner xfs defaults,_netdev 0 2",
    "/mnt/a/inner /srv/inner none bind 0 0",
    "/dev/oldvg/old /srv/old ext4 defaults 0 0",
]
PARTITIONED = (  # one partition of 2 GB
    "import struct, sys; entry = struct.pack('<BBBBBBBBII', 0, 0, 2, 0, 0x83, 0, 2, 0, 2048, 4096000);"
    "open(sys.argv[1], 'r+b').write(bytes(446) + entry + bytes(48) + bytes((0x55, 0xaa)))"
)
BY_HAND = """
set -eu
exportfs -ua; systemctl stop nfs-server; umount /mnt/a
vgchange -q -an vg1; vgremove -q -f vg1; pvremove -q {disks}; wipefs -q -a {disks}
mkfs.xfs -q -m uuid={outer} {first}
python3 -c "{partitioned}" {second}; blockdev --rereadpt {second}; udevadm settle
mkfs.xfs -q -L inner -m uuid={inner} {second}-part1; udevadm settle
sed -i '/vg1/d' /etc/fstab; printf '{lines}\\n' >> /etc/fstab; mkdir -p /srv/inner /srv/old
mount {first} /mnt/a; mkdir /mnt/a/inner; mount {second}-part1 /mnt/a/inner
mount --bind /mnt/a/inner /srv/inner
echo This is a test file. > /mnt/a/test.txt; chown opc:opc /mnt/a
systemctl daemon-reload; systemctl start nfs-server; exportfs -ra; sync
"""


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path / "lab", print)
    try:
        made.up()
        yield made
    finally:
        made.down()


def by_hand(lab: Lab) -> None:
    """The server as its owner has it, with another stack's storage in Terraform."""
    disks = [
        f"/dev/disk/by-path/ip-{v['address']}:{v['port']}-iscsi-{v['iqn']}-lun-1"
        for _, v in sorted(lab.terraform.output()["volumes"].items())
    ]
    lines = "\\n".join(LINES).replace("\t", "\\t")
    script = BY_HAND.format(
        disks=" ".join(disks),
        first=disks[0],
        second=disks[1],
        outer=OUTER,
        inner=INNER,
        lines=lines,
        partitioned=PARTITIONED,
    )
    lab.on(CLIENT, "sudo", "sh", "-c", "systemctl disable -q --now drill-writer; umount /mnt/nfs/a")
    lab.on(SERVER, "sudo", "bash", "-c", script)
    lab.on(CLIENT, "sudo", "mount", "/mnt/nfs/a")
    lab.on(CLIENT, "sh", "-c", "echo kept > /mnt/nfs/a/kept && sync -f /mnt/nfs/a/kept")


def imaged(lab: Lab) -> str:
    """OCID of an image of the server as it serves."""
    client = ApiProcess(lab.run).compute_client()
    details = CreateImageDetails(
        compartment_id=lab.api.facts()["compartment_id"],
        instance_id=lab.instance(SERVER),
        display_name="hand-built",
    )
    image = client.create_image(details).data
    wait_for_state(client, client.get_image, image.id, "AVAILABLE")
    return str(image.id)


def described(folder: Path, image: str) -> None:
    """The stack's variables: this storage, and nfs-srv-2 from this image."""
    path = folder / VARIABLES_FILE
    site = json.loads(path.read_text())
    site["storage"] = STORAGE
    site["servers"][SUCCESSOR]["image_id"] = image
    path.write_text(json.dumps(site))


def test_a_site_without_lvm_comes_back_on_a_server_from_an_image_of_it(lab):
    by_hand(lab)
    described(lab.terraform.directory, imaged(lab))
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    operator = Operator(lab.site_file, Console(), print)
    seen, code = operator.report("preflight", "--active", SUCCESSOR)
    assert code == 0, seen
    assert "fstab lacks nofail there" in json.dumps(seen)
    lab.crash(SERVER)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert (report["outcome"], code) == ("done", 0)
    table = lab.on(SUCCESSOR, "cat", "/etc/fstab").splitlines()
    wanted = [
        f"UUID={OUTER}\t/mnt/a/\txfs\tdefaults,noatime,_netdev,nofail\t0 0",
        "LABEL=inner /mnt/a/inner xfs defaults,_netdev,nofail 0 2",
        LINES[2],
        OFF + LINES[3],
    ]
    assert [line for line in table if "/mnt/a" in line or "/srv" in line] == wanted
    assert lab.on(SUCCESSOR, "findmnt", "-n", "-o", "SOURCE", "/srv/inner").startswith("/dev/sd")
    assert lab.on(CLIENT, "cat", "/mnt/nfs/a/test.txt", "/mnt/nfs/a/kept") == "This is a test file.\nkept\n"
    assert lab.pending_changes() == 0
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert (report["outcome"], code) == ("nothing-to-do", 0)
