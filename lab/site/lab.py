"""A lab from nothing to a serving site, and back to nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.client.api_process import ApiProcess, CloudError
from lab.client.wait import wait_for_state
from lab.hardware import network
from lab.hardware.image import build
from lab.hardware.image.variants.catalogue import DEBIAN, Variant, variant
from lab.hardware.images import pin_base
from lab.hardware.machine import Machine
from lab.hardware.real import bring_up
from lab.hardware.teardown import remains, take_down
from lab.provider.process import ProviderProcess
from lab.site.baseline import Founding
from lab.site.checkout import LabCheckout
from lab.site.console_stack import ConsoleStack
from lab.site.lab_cache import LabCache, built, founded, machines_of
from lab.site.nfs_site import (
    ADDRESSES,
    CLIENT,
    IMAGE,
    SERVER,
    SERVICE_ADDRESS,
    SUCCESSOR,
    NfsSite,
    Terraform,
    named_by_clients,
)
from lab.site.shapes.known import SHAPES
from lab.site.shapes.shape import SiteShape
from lab.site.ssh_access import GuestAccess
from lab.system import packages
from lab.system.errors import HardwareError
from lab.system.paths import ROOT, RunDirectory
from lab.system.programs import METADATA
from lab.system.waiting import until

DEFAULT_RUN = ROOT / ".lab" / "default"
_IN_SERVICE = re.compile(r"nfs-failover: in service: .*")
_SHRINK = "sync; echo 3 > /proc/sys/vm/drop_caches"  # a guest's memory in the cache, by half
_START_SECONDS = 180  # a machine that is busy with other guests is slow, not broken


class Lab:
    """The lab in directory `run`, with a site of this shape. `say` is told what happens, a line at a time."""

    def __init__(self, run: Path, say: Callable[[str], None], shape: SiteShape = SHAPES["lab"]) -> None:
        self.shape = shape
        self.directory = RunDirectory.of(run)
        self.run = self.directory.root
        self.access = GuestAccess(self.directory)
        self.terraform = Terraform(self.run)
        self.checkout = LabCheckout(self.terraform.directory)
        self._console: ConsoleStack | None = None
        self.site_file = self.run / "site.toml"
        self.api = ApiProcess(self.run)
        self._say = say

    def up(
        self,
        standby: bool = False,
        delay_factor: float = 0.0,
        door: str = "cli",
        guests: str = DEBIAN,
        hooks_url: str = "",
    ) -> None:
        """A fresh lab with the site serving; what an earlier one left is removed first.

        `guests`: which variant all of them are (lab/hardware/image/variants/catalogue.py).
        `door`: where the stack is: in a folder (cli), a folder under Git (gitops), or Resource Manager, where
        the site has a service address as well (resource-manager). `hooks_url`: the field of that form.
        First use installs packages and builds the image. Raises HardwareError or CloudError.
        """
        variant(guests)
        if door == "resource-manager" and self.shape.server:
            raise HardwareError(
                f"the form of a site like {self.shape.name} is not filled in here: --door cli"
            )
        require_terraform()
        if installed := packages.ensure():
            self._say(f"installed {', '.join(installed)}")
        require_root()
        self.down()
        self._say(f"the image of {guests} guests (first use: built from Debian packages, about two minutes)")
        build.ensure(guests)
        pin_base(self.directory, guests)
        # the site that most drills begin with; each other one would be used once
        common = door != "resource-manager" and self.shape == SHAPES["lab"]
        if common and built(guests, standby).exists():
            self._say("the site is in the cache, and goes on from there")
            self._restore(built(guests, standby), delay_factor)
            self._site().write_site_file()  # the API has another port now
            self._let_write()
        else:
            self._build(standby, delay_factor, door, guests, hooks_url)
            if common:
                self._keep(built(guests, standby))
        if door == "gitops":
            self.checkout.begin()

    def _build(self, standby: bool, delay_factor: float, door: str, guests: str, hooks_url: str) -> None:
        """The site, on guests that were founded before or are founded now."""
        first = founded(guests)
        if not first.exists():
            first.make(self.run, self._establish)
            self.down()
            pin_base(self.directory, guests)
        self._say("guests are restored from their snapshots")
        machines = self._restore(first, delay_factor)
        site = self._site()
        instances = {m.name: m.instance_id for m in machines}
        if door == "resource-manager":
            self._console = ConsoleStack(self.api, self._say)
            site.build_in_console(self._console, instances, self._image(), standby, hooks_url)
        else:
            site.build(instances, self._image(), standby)
        if standby:
            self._say("nfs-srv-2 boots from the image and stands by")
            founding = Founding(self.api, self.access, self._say)
            founding.await_boot(SUCCESSOR, self.instance(SUCCESSOR))

    def down(self) -> None:
        """Leave nothing of the lab: no process, namespace, mount or file. Nothing there is success."""
        self.access.close()
        take_down(self.run)
        ProviderProcess(self.run).stop()  # is killed by now; takes its socket away, wherever a job started it
        if self.run.exists():
            shutil.rmtree(self.run)

    def status(self) -> list[str]:
        """What of the lab is on this machine, a line each; empty when it is down."""
        return remains(self.run)

    def crash(self, server: str) -> None:
        """Cut the power of a server's machine behind the API's back, which goes on saying RUNNING."""
        self.api.control("POST", f"crash/{self.instance(server)}")

    def freeze(self, server: str) -> None:
        """Stop a server's processor: a hung host."""
        self.api.control("POST", f"freeze/{self.instance(server)}")

    @property
    def console(self) -> ConsoleStack:
        """The stack in Resource Manager; raises HardwareError in a lab without it."""
        if self._console is None:
            raise HardwareError("this lab has no stack in Resource Manager: bring it up with that door")
        return self._console

    @property
    def variant(self) -> Variant:
        """What all guests of this lab are like."""
        return pin_base(self.directory).variant

    def pending_changes(self) -> int:
        """How many resources a plan made now would change."""
        return self._console.pending_changes() if self._console else self.terraform.pending_changes()

    def mounted_from(self, server: str) -> str:
        """What the client's mount names when `server` is the active one."""
        name = SERVICE_ADDRESS if self._console else named_by_clients(self.shape, server)
        return f"{name}:{self.shape.path}"

    def power_off(self, server: str) -> None:
        """STOP an instance through the API, and wait until it is STOPPED."""
        client, ocid = self.api.compute_client(), self.instance(server)
        client.instance_action(ocid, "STOP")
        wait_for_state(client, client.get_instance, ocid, "STOPPED")

    def trust_console(self, server: str) -> None:
        """Know a guest that nobody of the operator's side has pinned by what its console says."""
        Founding(self.api, self.access, self._say).trust(server, self.instance(server))

    def await_service(self, server: str) -> None:
        """Wait until the server's console says that its own service has brought the volumes up."""
        self.await_console(server, _IN_SERVICE)

    def await_console(self, server: str, pattern: re.Pattern[str]) -> None:
        """Wait until the server's console says this. Raises HardwareError at the deadline."""
        founding = Founding(self.api, self.access, self._say)
        (line, *_) = founding.await_console(self.instance(server), pattern)
        self._say(f"the console of {server}: {line}")

    def power_on(self, server: str) -> None:
        """START a stopped instance through the API, and wait until it is RUNNING."""
        client, ocid = self.api.compute_client(), self.instance(server)
        client.instance_action(ocid, "START")
        wait_for_state(client, client.get_instance, ocid, "RUNNING")

    def instance(self, name: str) -> str:
        """The OCID of the instance with this display name that is not terminated."""
        client, facts = self.api.compute_client(), self.api.facts()
        instances = client.list_instances(facts["compartment_id"], display_name=name).data
        return str(next(i.id for i in instances if i.lifecycle_state != "TERMINATED"))

    def attachments(self) -> dict[str, list[Any]]:
        """By OCID of each volume that is not TERMINATED: its attachments that are not DETACHED."""
        compute, block = self.api.compute_client(), self.api.block_client()
        compartment = self.api.facts()["compartment_id"]
        listed = compute.list_volume_attachments(compartment).data
        volumes = block.list_volumes(compartment_id=compartment).data
        return {
            v.id: [a for a in listed if a.volume_id == v.id and a.lifecycle_state != "DETACHED"]
            for v in volumes
            if v.lifecycle_state != "TERMINATED"
        }

    def on(self, name: str, *argv: str, stdin: str = "") -> str:
        """Run argv on a guest; its stdout."""
        self.trust(name)
        return self.access.run(ADDRESSES[name], argv, stdin=stdin)

    def keep_evidence(self) -> Path:
        """Copy logs, consoles and run journals beside the lab, for whoever asks why a drill failed."""
        kept = self.run.with_name(f"{self.run.name}-failed")
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
        for file in (
            *self.run.glob("*.log"),
            *self.run.glob("jobs/*/log.jsonl"),
            *self.run.glob("guests/*/console.log"),
            *self.run.glob("runs/**/*"),
        ):
            if file.is_file():
                target = kept / file.relative_to(self.run)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        self._say(f"evidence is kept in {kept}")
        return kept

    def _establish(self) -> None:
        self._start(delay_factor=0.0)
        Founding(self.api, self.access, self._say).establish()
        for name in (SERVER, CLIENT):
            self.access.run(ADDRESSES[name], ["sudo", "sh", "-c", _SHRINK])
        self.access.close()
        self.api.stop()

    def _keep(self, cache: LabCache) -> None:
        """Keep the lab as it is, before its client has written anything."""
        self._say("the site is kept in the cache")
        folder = self.shape.mounts()[0][1]
        quiet = f"sudo systemctl stop drill-writer; rm -f /var/lib/drill/acknowledged {folder}/records"
        self.access.run(ADDRESSES[CLIENT], ["sh", "-c", quiet])
        for machine in machines_of(self.directory):
            self.access.run(machine.address, ["sudo", "sh", "-c", _SHRINK])
        cache.make(self.run)
        self._let_write()

    def _site(self) -> NfsSite:
        return NfsSite(self.directory, self.api, self.access, self.shape, self._say)

    def _let_write(self) -> None:
        self.access.run(ADDRESSES[CLIENT], ["sudo", "systemctl", "start", "drill-writer"])

    def _restore(self, cache: LabCache, delay_factor: float) -> tuple[Machine, ...]:
        cache.lay(self.run)
        bring_up(self.run)
        machines = cache.resume(self.run)
        self._start(delay_factor)
        ProviderProcess(self.run).start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._settle, [m.address for m in machines]))
        return machines

    def _settle(self, address: str) -> None:
        self.access.wait(address, _START_SECONDS)
        self.access.set_clock(address)

    def _start(self, delay_factor: float) -> None:
        bring_up(self.run)
        self.access.make()
        self.api.start(delay_factor=delay_factor)
        self._start_metadata()

    def _start_metadata(self) -> None:
        (self.run / "metadata.port").unlink(missing_ok=True)
        argv = [*network.inside(self.directory), sys.executable, "-m", METADATA, "--run", str(self.run)]
        with (self.run / "metadata.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        port = self.run / "metadata.port"
        until(lambda: port.exists() or process.poll() is not None, _START_SECONDS)
        if not port.exists():
            raise CloudError(f"the metadata service did not start, see {self.run}/metadata.log")

    def _image(self) -> str:
        client, facts = self.api.compute_client(), self.api.facts()
        images = client.list_images(
            facts["compartment_id"], display_name=IMAGE, lifecycle_state="AVAILABLE"
        ).data
        return str(images[0].id)

    def trust(self, name: str) -> None:
        """Know a guest that the operator's side launched by the key that the operator pinned for it."""
        pinned = self.run / "runs" / "known_hosts"
        if pinned.exists():
            lines = (line.split() for line in pinned.read_text().splitlines())
            keys = [f"{f[1]} {f[2]}" for f in lines if f[0] == ADDRESSES[name]]
            if keys:
                self.access.trust(ADDRESSES[name], keys)


def require_root() -> None:
    """Namespaces and taps are root's. Raises HardwareError saying how to get there."""
    if os.geteuid() != 0:
        raise HardwareError("the lab needs root for its network namespace: run it with sudo")


def require_terraform() -> None:
    """Raises HardwareError saying where Terraform is to be had."""
    if shutil.which("terraform") is None:
        raise HardwareError(
            "terraform is not on the PATH: install Terraform 1.5 or newer "
            "(https://developer.hashicorp.com/terraform/install)"
        )
