"""Measures the hooks on a guest: `apply` for 2 volumes against the same commands by hand, and 32 volumes."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oci.core.models import AttachIScsiVolumeDetails, CreateVolumeDetails
from rich.console import Console
from rich.table import Table

from bench.guest import deliver, hooks
from lab.client.wait import wait_for_state
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER
from lab.system.errors import HardwareError

ROUNDS = 3
MANY = 32  # OCI's limit of attached volumes per instance
_ADDRESS = ADDRESSES[SERVER]
_SCRIPT = Path(__file__).with_name("by_hand.sh")


def main() -> int:
    """Print the table; 0 when both ratios are within what the project promises (1.3 and 3)."""
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        try:
            lab.up()
            two, by_hand, many, many_by_hand = _Bench(lab, console).measure()
        finally:
            lab.down()
    table = Table("on the same guest", f"seconds (median of {ROUNDS})", "ratio", "promised")
    table.add_row("by hand, 2 volumes", f"{by_hand:.2f}", "1", "")
    table.add_row("hooks apply, 2 volumes", f"{two:.2f}", f"{two / by_hand:.2f} of by hand", "1.3")
    table.add_row(f"by hand, {MANY} volumes", f"{many_by_hand:.2f}", "1", "")
    ratio = f"{many / two:.2f} of 2 volumes, {many / many_by_hand:.2f} of by hand"
    table.add_row(f"hooks apply, {MANY} volumes", f"{many:.2f}", ratio, "3")
    console.print(table)
    return int(two / by_hand > 1.3 or many / two > 3)


class _Bench:
    """nfs-srv-1 of a lab, taken down by the hooks' release before each round."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self._lab = lab
        self._console = console

    def measure(self) -> tuple[float, float, float, float]:
        """Median seconds: with 2 volumes hooks and by hand, with MANY volumes hooks and by hand."""
        # clients would hold the export, and a release waits for them
        self._lab.on(CLIENT, "sudo", "sh", "-c", "systemctl stop drill-writer; umount /mnt/nfs/a")
        deliver(self._lab.access, _ADDRESS)
        two = _spec(self._volumes())
        with_two = self._compared(two)
        self._hooks("release", two)
        return (*with_two, *self._compared(self._many()))

    def _compared(self, spec: dict[str, Any]) -> tuple[float, float]:
        """Medians of the hooks and of by hand."""
        hooks, by_hand = [], []
        for _ in range(ROUNDS):  # in turn, so that a slow minute of the machine slows both
            hooks.append(self._round(spec, lambda: self._hooks("apply", spec)))
            by_hand.append(self._round(spec, lambda: self._by_hand(spec)))
        return statistics.median(hooks), statistics.median(by_hand)

    def _round(self, spec: dict[str, Any], bring_up: Callable[[], None]) -> float:
        self._hooks("release", spec)
        start = time.monotonic()
        bring_up()
        seconds = time.monotonic() - start
        self._console.print(f"  a round with {len(spec['volumes'])} volumes: {seconds:.2f} s", markup=False)
        served = self._lab.on(SERVER, "sh", "-c", "sudo exportfs -s; findmnt -n -o SOURCE /mnt/a")
        if "/mnt/a" not in served or "vg1-lv01" not in served:
            raise HardwareError(f"{SERVER} does not serve after a round: {served!r}")
        return seconds

    def _hooks(self, action: str, spec: dict[str, Any]) -> None:
        hooks(self._lab.access, _ADDRESS, action, spec)

    def _by_hand(self, spec: dict[str, Any]) -> None:
        words = [f"{v['iqn']}={v['address']}:{v['port']}" for v in spec["volumes"]]
        argv = ["sudo", "bash", "-s", "--", *words]
        self._lab.access.run(_ADDRESS, argv, stdin=_SCRIPT.read_text(), deadline_seconds=300)

    def _volumes(self) -> list[Any]:
        """The attachments of nfs-srv-1, as the API has them."""
        mine = self._lab.instance(SERVER)
        return [a for many in self._lab.attachments().values() for a in many if a.instance_id == mine]

    def _many(self) -> dict[str, Any]:
        """MANY volumes in place of the two, with a volume group over all of them."""
        self._replace_volumes()
        spec = _spec(self._volumes())
        words = [f"{v['iqn']}={v['address']}:{v['port']}" for v in spec["volumes"]]
        self._lab.on(SERVER, "sudo", "sed", "-i", "/ \\/mnt\\/a /d", "/etc/fstab")
        self._lab.access.scripts(_ADDRESS, ("log-in.sh", "make-server.sh"), *words)
        return spec

    def _replace_volumes(self) -> None:
        """Through the API, past Terraform: this lab is thrown away."""
        compute, block, facts = (
            self._lab.api.compute_client(),
            self._lab.api.block_client(),
            self._lab.api.facts(),
        )
        for old in self._volumes():
            compute.detach_volume(old.id)
            wait_for_state(compute, compute.get_volume_attachment, old.id, "DETACHED")
            block.delete_volume(old.volume_id)
        volumes = [
            block.create_volume(
                CreateVolumeDetails(
                    compartment_id=facts["compartment_id"],
                    availability_domain=facts["availability_domains"][0],
                    display_name=f"many{number}",
                    size_in_gbs=50,
                )
            ).data.id
            for number in range(MANY)
        ]
        for volume in volumes:
            wait_for_state(block, block.get_volume, volume, "AVAILABLE")
        server = self._lab.instance(SERVER)
        attachments = [
            compute.attach_volume(AttachIScsiVolumeDetails(instance_id=server, volume_id=volume)).data.id
            for volume in volumes
        ]
        for attachment in attachments:
            wait_for_state(compute, compute.get_volume_attachment, attachment, "ATTACHED")


def _spec(attachments: list[Any]) -> dict[str, Any]:
    names = {a.volume_id: f"bv{n}" for n, a in enumerate(attachments, 1)}
    volumes = [
        {
            "name": names[a.volume_id],
            "volume_id": a.volume_id,
            "iqn": a.iqn,
            "address": a.ipv4,
            "port": a.port,
        }
        for a in attachments
    ]
    return {
        "version": 1,
        "role": "server",
        "deadline_seconds": 300,
        "volumes": volumes,
        "volume_groups": [{"name": "vg1", "volumes": [v["name"] for v in volumes]}],
        "filesystems": [
            {
                "volume_group": "vg1",
                "logical_volume": "lv01",
                "mount": "/mnt/a",
                "type": "xfs",
                "options": "defaults,_netdev,nofail",
                "uuid": None,
            }
        ],
        "exports": [
            {
                "path": "/mnt/a",
                "clients": ["10.0.0.0/16"],
                "options": "rw,sync,no_subtree_check",
                "fsid": 1,
            }
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
