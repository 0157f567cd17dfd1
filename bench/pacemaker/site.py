"""What all ways have in common: a lab, its servers in turn, the probe, the clocks, a writer with a lock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.pacemaker.moments import stall
from bench.pacemaker.probe import Probe
from bench.pacemaker.processor import ProcessorMeter, used_between
from lab.hardware.guests import Guest
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SERVICE_ADDRESS, SUCCESSOR
from lab.system.errors import HardwareError
from lab.system.waiting import until

GUESTS = "pacemaker"
SERVICE_SECONDS = 600
RESUME_SECONDS = 300
BOOT_SECONDS = 300
_MOUNT, _NOTES = "/mnt/locked", "/var/lib/drill/locked"
_PROGRAM = Path(__file__).with_name("locked_writer.py")


class MeasuredSite:
    """A lab with nfs-srv-1 serving and nfs-srv-2 standing by; every way begins with such a one.

    A lab of its own for each way, from the same snapshot: what one way leaves on a guest (units, node
    records, a group's system ID) would be in the next one's seconds. Methods raise HardwareError.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.probe: Probe | None = None
        self._meter: ProcessorMeter | None = None

    def up(self) -> None:
        """Bring it up."""
        self.lab.up(standby=True, guests=GUESTS)

    def watch(self) -> Probe:
        """The probe of the service's address, once it is served."""
        self.probe = Probe(self.lab.directory, SERVICE_ADDRESS)
        self.probe.await_answer(0.0, time.time(), SERVICE_SECONDS)
        return self.probe

    def down(self) -> None:
        """Leave nothing of it."""
        if self.probe:
            self.probe.stop()
        self.lab.down()

    def root(self, name: str, script: str, seconds: float = 300) -> str:
        """Run a script as root on a guest; its stdout."""
        argv = ["sudo", "bash", "-ec", script]
        return self.lab.access.run(ADDRESSES[name], argv, deadline_seconds=seconds)

    def leave_alone(self) -> None:
        """Nothing of the product acts: not its boot service on nfs-srv-2, which takes over by itself once the
        volumes are attached. The client gives up its mount by the server's name."""
        self.root(CLIENT, "systemctl disable -q --now drill-writer; umount /mnt/nfs/a")
        self.root(SUCCESSOR, "systemctl disable -q --now nfs-failover.service")

    def cut(self, server: str) -> float:
        """Cut this server's power; when. From now on the other one's processor is metered."""
        self.lab.access.forget(ADDRESSES[server])
        guest = Guest(self.lab.directory, self.lab.instance(other(server)))
        self._meter = ProcessorMeter(guest.pid() or 0)
        at = time.time()
        self.lab.crash(server)
        return at

    def used(self, fenced: float, served: float) -> float:
        """Processor seconds of the server beside the one that was cut off, between these moments."""
        return used_between(self._meter.stop(), fenced, served) if self._meter else 0.0

    def power_on(self, server: str) -> None:
        """Start a server that was cut off, and wait until it has nothing left to start."""
        compute = self.lab.api.compute_client()
        if compute.get_instance(self.lab.instance(server)).data.lifecycle_state != "STOPPED":
            self.lab.power_off(server)  # its power was cut behind the API's back
        self.lab.power_on(server)
        self.lab.access.wait(ADDRESSES[server], BOOT_SECONDS)
        self.lab.access.set_clock(ADDRESSES[server])
        # a unit that fails on a server without its volumes is as it should be: exit code 1, "degraded"
        self.root(server, "systemctl is-system-running --wait > /dev/null || true", BOOT_SECONDS)

    def ahead(self, name: str) -> float:
        """Seconds by which a guest's clock is ahead of ours; exact to half of what the question takes."""
        before = time.time()
        answer = float(self.lab.access.run(ADDRESSES[name], ["date", "+%s.%N"]))
        return answer - (before + time.time()) / 2


class LockedWriter:
    """A client of NFSv4.2 by the service's address that holds a lock and writes. Raises HardwareError."""

    def __init__(self, site: MeasuredSite) -> None:
        self._site = site

    def mount(self) -> None:
        """Its mount and its program; the client's other mounts are gone before."""
        self._site.lab.access.put(ADDRESSES[CLIENT], {_PROGRAM.name: _PROGRAM.read_text()})
        source = f"{SERVICE_ADDRESS}:{self._site.lab.shape.path}"
        program = f"install -D -m 0755 {_PROGRAM.name} /usr/local/lib/drill/{_PROGRAM.name}"
        mount = f"mkdir -p {_MOUNT}; mount -t nfs -o vers=4.2,hard {source} {_MOUNT}"
        self._site.root(CLIENT, f"{program}; {mount}", SERVICE_SECONDS)

    def start(self) -> None:
        """It writes from now on, into notes of its own."""
        user = self._site.lab.access.user
        program = f"python3 /usr/local/lib/drill/{_PROGRAM.name} {_MOUNT}/locked {_NOTES}"
        unit = f"systemd-run -q --uid={user} --unit=locked-writer --collect {program}"
        self._site.root(CLIENT, f"rm -f {_NOTES}; {unit}")
        # a new OPEN waits for the end of the grace that began with the last takeover
        if not until(lambda: len(self._times()) > 2, RESUME_SECONDS, 1.0):
            raise HardwareError(f"the writer with a lock acknowledged {len(self._times())} writes")

    def stop(self, cut: float) -> tuple[float, float]:
        """(seconds for which it stood still around this moment, when it went on), then it ends."""
        ahead = self._site.ahead(CLIENT)
        gap = until(lambda: stall(self._times(), cut + ahead), RESUME_SECONDS, 1.0)
        if gap is None:
            raise HardwareError("the writer with a lock did not go on after the takeover")
        time.sleep(2)
        self._times()  # it still writes, with its lock
        self._site.root(CLIENT, "systemctl stop locked-writer")
        return gap[0], gap[1] - ahead

    def _times(self) -> list[float]:
        lines = self._site.lab.access.run(
            ADDRESSES[CLIENT], ["sh", "-c", f"cat {_NOTES} 2>/dev/null || true"]
        ).splitlines()
        if lines and lines[-1].startswith("error"):
            raise HardwareError(f"the writer with a lock ended: {lines[-1]}")
        return [float(line) for line in lines]


def other(server: str) -> str:
    """The server beside this one."""
    return SUCCESSOR if server == SERVER else SERVER


def load() -> float:
    """The machine's load average of the last minute."""
    return os.getloadavg()[0]
