"""A server that somebody built by hand in the lab, and `invoke adopt` on it: only its host is not real.

The host answers the inventory that a real one would, made of what the cloud has attached to its instance.
That the hooks read so on a real server is shown on guests (tests/drill/).
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from failover.hosts.ssh import Ran, Silent
from failover.model.host.attempt import Attempt
from failover.verbs import adopt as verb
from hooks.contract.result import HookResult, Layer
from lab.provider.process import ProviderProcess
from lab.site.stack import SOURCE
from tests.terraform.doubles.hosts import HostsModel
from tests.terraform.sites.lab_cloud import LabCloud

UUID = "3f1c0d9e-0000-4000-8000-00000000000a"
_CLIENT_MOUNTS = "40 1 0:40 / /mnt/nfs/a rw - nfs4 {server}:/mnt/a rw,vers=4.2,addr={server}\n"


@dataclass
class Host:
    """What the server's inventory has beside its disks, and which clients answer."""

    group: str = "vg1"
    logical: str = "lv01"
    kind: str = "striped"
    mount: str = "/mnt/a"
    options: str = "defaults"
    source: str = "LABEL=a"
    uuid: str = UUID
    table: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"path": "/mnt/a", "client": "10.0.0.0/255.255.0.0", "options": ["sync", "wdelay", "rw", "hide"]},
            {"path": "/srv/own", "client": "<world>", "options": ["ro"]},
        ]
    )
    more_blocks: list[dict[str, Any]] = field(default_factory=list)
    more_physical: list[dict[str, Any]] = field(default_factory=list)
    chap: bool = False
    clients: dict[str, str] = field(default_factory=lambda: {"10.0.0.21": "nfs-cli"})
    silent: bool = False


@dataclass
class AdoptedSite:
    """A folder with the stack as it comes, a site file with the lab's endpoints, and a hand-built server."""

    folder: Path
    cloud: LabCloud
    model: HostsModel
    instance_id: str
    volumes: dict[str, str]
    host: Host = field(default_factory=Host)

    @property
    def stack(self) -> Path:
        """The stack's folder."""
        return self.folder / "terraform"

    @property
    def file(self) -> Path:
        """The site file."""
        return self.folder / "site.toml"

    def more(self, **fields: object) -> str:
        """One more volume, whose attachment has these fields; its OCID."""
        volume = self.cloud.volume("odd")
        self.cloud.attached_as(volume, self.instance_id, **fields)
        return volume

    def adopt(self, **arguments: Any) -> int:
        """The verb, answered yes; its exit code."""
        given = {"instance": self.instance_id, "yes": True, "site": str(self.file), **arguments}
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(InventoryHost, self)):
            return verb.main(verb.AdoptArguments(**given))

    def written(self) -> dict[str, bytes]:
        """Every file that a person would find, by its path."""
        files = [p for p in self.folder.rglob("*") if p.is_file() and ".terraform" not in p.parts]
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in files if "runs" not in p.parts}


def built(folder: Path, cloud: LabCloud, provider: ProviderProcess, volumes: int = 2) -> AdoptedSite:
    """nfs-srv-1 with volumes bv1, bv2, ... attached through the API; the stack has never heard of it."""
    stack = folder / "terraform"
    stack.mkdir(parents=True)
    for source in (*SOURCE.glob("*.tf"), SOURCE / "active.auto.tfvars"):
        shutil.copy(source, stack)
    (stack / "rendered").mkdir()
    (stack / "rendered" / "user_data").write_text("I2Nsb3VkLWNvbmZpZwo=\n")
    environment = "\n".join(f"{k} = {json.dumps(v)}" for k, v in provider.environment().items())
    (folder / "site.toml").write_text(
        f'# kept by its owner\n[terraform]\ndirectory = "terraform"\n[terraform.environment]\n{environment}\n'
        f'[oci]\nconfig_file = "{cloud.run}/oci/config"\nendpoint = "{cloud.endpoint}"\n'
        '[ssh]\nuser = "opc"\nknown_hosts = "known_hosts"\nconnect_seconds = 1\n'
    )
    (folder / "known_hosts").touch()
    instance = cloud.launch("nfs-srv-1")
    made = {f"bv{n + 1}": cloud.volume(f"bv{n + 1}") for n in range(volumes)}
    for volume in made.values():
        cloud.attach(volume, instance)
    return AdoptedSite(folder, cloud, HostsModel(folder, cloud.run / "cloud.db"), instance, made)


class InventoryHost:
    """In the place of failover.hosts.ssh.SshHost: the server's inventory, and clients' mount tables."""

    def __init__(self, site: AdoptedSite, name: str, address: str, *_: Any) -> None:
        self.name, self.address = name, address
        self.attempt: Attempt | None = None
        self._site = site

    def close(self) -> None:
        """There is no connection."""

    def accepts(self, port: int) -> bool:
        """No port accepts a connection."""
        return False

    def boot_id(self, deadline_seconds: float = 60.0) -> str:
        """None is known."""
        return ""

    async def opened(self) -> None:
        """There is no connection; what keeps a login out is raised by `ran`."""

    async def ran(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """The same as `run` in the event loop."""
        return self.run(argv, deadline_seconds, stdin)

    def run(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """What this command prints on this host; raises Silent for one that is not there."""
        host = self._site.host
        server = self._site.model.instance_at(self.address) == self._site.instance_id
        if (server and host.silent) or not (server or self.address in host.clients):
            attempt = Attempt(self.name, self.address, 22, "opc", "directly", (), "no route", answered=False)
            raise Silent(f"{self.name} ({self.address}): no route to host", attempt)
        if argv[0] == "cat":
            address = self._site.cloud.address(self._site.instance_id)
            return Ran(0, _CLIENT_MOUNTS.format(server=address), "")
        if argv[0] == "uname":
            return Ran(0, host.clients[self.address] + "\n", "")
        if argv[:2] == ["sh", "-c"] and argv[3:4] == ["hooks"]:
            if argv[5] != "inventory":  # of preflight: no server of this double has layers
                raise Silent(f"{self.name}: {argv[5]} is not played", None)
            layers = tuple(Layer(n, "present", False, 0.0, "", f) for n, f in self._parts(host).items())
            result = HookResult("inventory", "server", self.name, True, False, 0.0, "", layers)
            return Ran(0, result.to_json() + "\n", "")
        return Ran(0, "", "")

    def _parts(self, host: Host) -> Mapping[str, Any]:
        portals = [
            f"{a}:{p}={iqn}" for iqn, a, p in self._site.model.portals(self._site.instance_id).values()
        ]
        targets = [tuple(one.split("=", 1)) for one in portals]
        disks = [
            {"iqn": iqn, "portal": portal, "device": f"/dev/sd{n}"} for n, (portal, iqn) in enumerate(targets)
        ]
        names = [disk["device"] for disk in disks]
        block = {"type": "disk", "size": "1", "fstype": "LVM2_member", "uuid": "", "label": "", "parents": []}
        lv = {
            "device": "/dev/dm-0",
            "type": "lvm",
            "size": "1",
            "fstype": "xfs",
            "uuid": host.uuid,
            "label": "a",
        }
        physical = [
            {"device": name, "pv_name": name, "vg_name": host.group, "vg_uuid": "u1", "pv_missing": ""}
            for name in names
        ]
        segment = {
            "vg_name": host.group,
            "lv_name": host.logical,
            "device": "/dev/dm-0",
            "segtype": host.kind,
            "stripes": str(len(names)),
            "stripe_size": "64K",
            "devices": ",".join(names),
        }
        line = {"source": host.source, "mount": host.mount, "type": "xfs", "options": host.options}
        mount = {"mount": host.mount, "type": "xfs", "options": "rw", "root": "/", "real": "/dev/dm-0"}
        return {
            "system": {"os": {"PRETTY_NAME": "Oracle Linux 9"}, "login": "opc", "authorized_keys": [KEY]},
            "iscsi": {
                "disks": disks,
                "records": [{"iqn": iqn, "chap": host.chap} for _, iqn in targets],
            },
            "lvm": {"physical": physical + host.more_physical, "segments": [segment]},
            "block": {
                "devices": [{**block, "device": name} for name in names]
                + [{**lv, "parents": names}]
                + host.more_blocks
            },
            "fstab": {"lines": [{**line, "real": "/dev/dm-0"}]},
            "mounts": {"mounts": [mount], "quota_files": []},
            "exports": {"table": host.table, "files": {}},
            "nfs": {"threads": "256", "versions": ["+3", "+4"], "settings": {"threads": "256"}},
            "clients": {"seen": {address: ["v4"] for address in host.clients}},
        }


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPyZ8zVN0Y0d1s4lqGqTj2y3mQfT1oQb2mB0o8d5t1X operator@example"
