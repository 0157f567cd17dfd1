"""Pacemaker's way: two nodes that are logged in to the volumes all the time, and a group of resources."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.pacemaker import power
from bench.pacemaker.moments import Takeover, of_log
from bench.pacemaker.site import SERVICE_SECONDS, LockedWriter, MeasuredSite, load, other
from lab.hardware.volumes import VolumeService
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, SERVER, SUCCESSOR
from lab.system.errors import HardwareError
from lab.system.waiting import until

NAME = "Pacemaker"
_HERE = Path(__file__).parent
_FILES = ("fence_lab.sh", "corosync.conf", "cib.xml")
_ONLINE_SECONDS = 300
_LOG = "/var/log/pacemaker/pacemaker.log"


class PairWay:
    """pacemaker, corosync and resource-agents of Debian 12; bench/pacemaker/cib.xml is the whole set-up."""

    name = NAME

    def __init__(self, lab: Lab, _: Console) -> None:
        self._site = MeasuredSite(lab)
        self._lab = lab
        self._writer = LockedWriter(self._site)
        self._switch: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """The site, given to the pair; it serves on nfs-srv-1."""
        self._site.up()
        self._site.leave_alone()
        instances = {name: self._lab.instance(name) for name in (SERVER, SUCCESSOR)}
        self._switch = power.start(self._lab.directory, instances)
        for name in instances:
            self._lab.access.put(ADDRESSES[name], {file: (_HERE / file).read_text() for file in _FILES})
        self._run(SERVER, "make-node.sh", "hand-over.sh")
        self._run(SUCCESSOR, "make-node.sh")
        self._share_volumes()
        self._join(SERVER, 1)
        self._site.root(SERVER, "cibadmin --modify --allow-create --xml-file cib.xml")
        self._join(SUCCESSOR, 2)
        self._site.watch()
        self._await_settled(SERVER)
        self._writer.mount()

    def move(self, target: str) -> Takeover:
        """Cut the power of the node that serves; the other one does the rest."""
        server = other(target)
        self._writer.start()
        cut = self._site.cut(server)
        assert self._site.probe is not None  # noqa: S101 - `up` has made it
        self._site.probe.await_answer(cut, cut, SERVICE_SECONDS)
        busy = load()
        still, resumed = self._writer.stop(cut)
        log = self._site.root(target, f"cat {_LOG}")
        fenced, began = of_log(log, server, datetime.now(UTC).year, self._site.ahead(target))
        served = self._site.probe.await_answer(cut, fenced, SERVICE_SECONDS)
        used = self._site.used(fenced, served)
        return Takeover(self.name, target, cut, fenced, began, served, used, busy, still, resumed)

    def ready(self, server: str) -> None:
        """The fenced node joins again, logged in to the volumes; the service stays where it is."""
        self._site.power_on(server)
        self._join(server, 2)
        self._await_settled(other(server))

    def down(self) -> None:
        """Leave nothing."""
        if self._switch:
            self._switch.kill()
            self._switch.wait()
        self._site.down()

    def _run(self, name: str, *scripts: str) -> None:
        for script in scripts:
            argv = ["sudo", "bash", "-s"]
            self._lab.access.run(
                ADDRESSES[name], argv, stdin=(_HERE / script).read_text(), deadline_seconds=300
            )

    def _share_volumes(self) -> None:
        """Both nodes may log in, as with OCI's shareable attachments; nfs-srv-2 does."""
        volumes = [a for many in self._lab.attachments().values() for a in many]
        VolumeService(self._lab.directory).admit([a.volume_id for a in volumes], ADDRESSES[SUCCESSOR])
        portals = [f"{a.iqn}={a.ipv4}:{a.port}" for a in volumes]
        self._lab.access.scripts(ADDRESSES[SUCCESSOR], ("log-in.sh",), *portals)

    def _join(self, name: str, members: int) -> None:
        self._site.root(name, "systemctl start corosync pacemaker", _ONLINE_SECONDS)
        self._await(name, "crm_node -l | grep -c member || true", str(members))

    def _await_settled(self, server: str) -> None:
        """Wait until both nodes are members, and the service has come up on this one."""
        both = "crm_mon -1 | grep -c 'Online: \\[ nfs-srv-1 nfs-srv-2 \\]' || true"
        self._await(server, both, "1")
        running = f"crm_resource --resource address --locate 2>&1 | grep -c {server} || true"
        self._await(server, running, "1")
        idle = "crmadmin -S $(crmadmin -Dq 2>/dev/null) 2>&1 | grep -c S_IDLE || true"
        self._await(server, idle, "1")

    def _await(self, name: str, script: str, expected: str) -> None:
        def reads() -> bool:
            return self._site.root(name, script).strip() == expected

        if not until(reads, _ONLINE_SECONDS, 2.0):
            state = self._site.root(name, "crm_mon -1 -r 2>&1 || true")
            raise HardwareError(f"{name}: {script}: not {expected} in {_ONLINE_SECONDS} s: {state}")
