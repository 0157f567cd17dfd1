"""Measures what the orchestration costs: `failover` against the same recovery by hand, in one run of one lab.

The lab's cloud takes the time that OCI takes (lab/api/core/transition.py). nfs-srv-1 loses its power and
`failover` recovers the service on nfs-srv-2, launched from the image. Then nfs-srv-2 loses its power, and the
same is done by hand to a new nfs-srv-1: plain SDK calls and plain ssh, each begun the moment it may be, by
somebody who makes no pause, checks nothing and knows every value. That is the critical path,
max(launch, fence) + detach + attach + hooks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.guest import deliver, hooks
from failover.cloud.compute import Cloud
from failover.command import site_file
from failover.hosts import specs
from failover.model import stack_output
from failover.model.site import ClientMode
from lab.client.wait import wait_for_state
from lab.site.baseline import Founding
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR
from lab.system.errors import HardwareError
from lab.system.paths import ROOT

DELAY_FACTOR = 1.0  # as on OCI
PROMISED = 1.10
_LAUNCH_SECONDS = 900
_HOOKS_SECONDS = 120


def main() -> int:
    """Print the table; 0 when the failover takes at most PROMISED of the critical path."""
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="nfsfo-bench-") as folder:
        lab = Lab(Path(folder) / "lab", lambda text: console.print(f"  {text}", markup=False))
        try:
            lab.up(delay_factor=DELAY_FACTOR)
            seconds, report = _failover(lab)
            by_hand = _ByHand(lab).recover()
        finally:
            lab.down()
    for phase in report["phases"]:
        console.print(f"  failover: {phase['name']}: {phase['seconds']:.1f} s", markup=False)
    path = critical_path(by_hand)
    table = Table("recovery on a launched server", "seconds")
    for name, part_seconds in by_hand.items():
        table.add_row(f"by hand: {name}", f"{part_seconds:.1f}")
    table.add_row("by hand: max(launch, fence) + detach + attach + hooks", f"{path:.1f}")
    table.add_row("failover, from Enter to its verified end", f"{seconds:.1f}")
    table.add_row(f"ratio (promised: {PROMISED})", f"{seconds / path:.3f}")
    console.print(table)
    return int(seconds > PROMISED * path)


def critical_path(seconds: dict[str, float]) -> float:
    """The least that a recovery takes whose parts take these seconds."""
    after = sum(seconds[name] for name in ("detach", "attach", "hooks on the server", "hooks on the client"))
    return max(seconds["launch"], seconds["fence"]) + after


def _failover(lab: Lab) -> tuple[float, dict[str, Any]]:
    """What an operator types, and how long it takes; raises HardwareError when it does not end done."""
    lab.crash(SERVER)
    argv = ("failover", "--active", SUCCESSOR, "--yes", "--json", "--site", str(lab.site_file))
    start = time.monotonic()
    done = subprocess.run([ROOT / "inv", *argv], stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - start
    report = json.loads(done.stdout.splitlines()[-1])
    if done.returncode:
        raise HardwareError(f"failover ended {report['outcome']}: {report['reason']}")
    return seconds, report


class _ByHand:
    """The way home to a new nfs-srv-1, past Terraform: this lab is thrown away."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._compute = lab.api.compute_client()
        self._site = site_file.load(str(lab.site_file))
        self._stack = stack_output.parse(lab.terraform.output())
        self._cloud = Cloud(self._site.cloud)
        self._launch = self._as_launched(self._compute.get_instance(lab.instance(SUCCESSOR)).data)
        self._instance = ""

    def recover(self) -> dict[str, float]:
        """Seconds of each part; raises HardwareError when the client does not read its file at the end."""
        self._make_room()
        self._lab.trust(SUCCESSOR)
        self._lab.crash(SUCCESSOR)
        with ThreadPoolExecutor() as pool:
            launch = pool.submit(_timed, self._launch_and_wait)
            fence = pool.submit(_timed, lambda: self._lab.power_off(SUCCESSOR))
            seconds = {"launch": launch.result(), "fence": fence.result()}
        seconds["detach"] = _timed(self._detach)
        seconds["attach"] = _timed(self._attach)
        seconds["hooks on the server"] = _timed(self._serve)
        seconds["hooks on the client"] = _timed(self._mount)
        text = self._lab.on(CLIENT, "cat", "/mnt/nfs/a/test.txt")
        if text != "This is a test file.\n":
            raise HardwareError(f"{CLIENT} reads {text!r}: the recovery by hand did not work")
        return seconds

    def _as_launched(self, instance: Any) -> Any:
        """What the stack has launched nfs-srv-2 with, for nfs-srv-1."""
        from oci.core import models  # noqa: PLC0415 - as in lab/

        source = models.InstanceSourceViaImageDetails(image_id=instance.source_details.image_id)
        return models.LaunchInstanceDetails(
            compartment_id=instance.compartment_id,
            availability_domain=instance.availability_domain,
            display_name=SERVER,
            shape=instance.shape,
            source_details=source,
            create_vnic_details=models.CreateVnicDetails(
                subnet_id=self._lab.api.facts()["subnet_id"],
                private_ip=ADDRESSES[SERVER],
                hostname_label=SERVER,
                assign_public_ip=False,
            ),
            metadata=instance.metadata,
        )

    def _make_room(self) -> None:
        """The first nfs-srv-1 is off; its address is given back."""
        old = self._lab.instance(SERVER)
        self._lab.access.forget(ADDRESSES[SERVER])
        self._compute.terminate_instance(old)
        wait_for_state(self._compute, self._compute.get_instance, old, "TERMINATED", _LAUNCH_SECONDS)

    def _launch_and_wait(self) -> None:
        """Until it lets us in, its host key known from its console."""
        self._instance = self._compute.launch_instance(self._launch).data.id
        wait_for_state(self._compute, self._compute.get_instance, self._instance, "RUNNING", _LAUNCH_SECONDS)
        Founding(self._lab.api, self._lab.access, print).trust(SERVER, self._instance)
        self._lab.access.wait(ADDRESSES[SERVER], _LAUNCH_SECONDS)

    def _detach(self) -> None:
        held = [a.id for many in self._lab.attachments().values() for a in many]
        for one in held:
            self._compute.detach_volume(one)
        self._all(held, "DETACHED")

    def _attach(self) -> None:
        from oci.core.models import AttachIScsiVolumeDetails  # noqa: PLC0415 - as in lab/

        wanted = [
            AttachIScsiVolumeDetails(instance_id=self._instance, volume_id=v.volume_id)
            for v in self._stack.volumes.values()
        ]
        self._all([self._compute.attach_volume(details).data.id for details in wanted], "ATTACHED")

    def _all(self, attachments: list[str], state: str) -> None:
        for one in attachments:
            wait_for_state(self._compute, self._compute.get_volume_attachment, one, state)

    def _serve(self) -> None:
        held = {
            name: self._cloud.attachments(self._stack, volume.volume_id)[0]
            for name, volume in self._stack.volumes.items()
        }
        deliver(self._lab.access, ADDRESSES[SERVER])
        spec = specs.server_spec(self._stack, held, _HOOKS_SECONDS)
        hooks(self._lab.access, ADDRESSES[SERVER], "apply", spec)

    def _mount(self) -> None:
        deliver(self._lab.access, ADDRESSES[CLIENT])
        spec = specs.client_spec(
            self._site.clients[0], self._stack, SERVER, ClientMode.REMOUNT, _HOOKS_SECONDS
        )
        hooks(self._lab.access, ADDRESSES[CLIENT], "apply", spec)


def _timed(action: Callable[[], None]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


if __name__ == "__main__":
    sys.exit(main())
