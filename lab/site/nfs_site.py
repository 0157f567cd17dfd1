"""The site that the drill destroys: nfs-srv-1 serving bv1 and bv2 to nfs-cli, known to Terraform."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.client.api_process import ApiProcess
from lab.client.wait import wait_for_state
from lab.provider.process import ProviderProcess
from lab.site.console_stack import ConsoleStack
from lab.site.second_nic import SECOND_ADDRESSES, attach_second_nic
from lab.site.shapes.shape import SiteShape
from lab.site.ssh_access import GuestAccess
from lab.site.stack import SHAPE, VARIABLES_FILE, changes_in, lay_stack, site_variables
from lab.system.command import run
from lab.system.paths import GUEST, ROOT, RunDirectory
from lab.system.waiting import slowness

SERVER, SUCCESSOR, CLIENT = "nfs-srv-1", "nfs-srv-2", "nfs-cli"
ADDRESSES = {SERVER: "10.0.0.11", SUCCESSOR: "10.0.0.12", CLIENT: "10.0.0.21"}
VOLUME_GBS = 50
# Follows the active server where nobody goes round the clients: the site of a console apply.
SERVICE_ADDRESS = "10.0.0.100"
STACK_ZIP = ROOT / "dist" / "nfs-failover-stack.zip"
IMAGE = "nfs-srv-golden"
# Of a server that was built by hand, as it is.
SITE_IMAGE = "nfs-srv-as-built"
# Written on nfs-srv-1 before its image is taken: whoever boots the image has it.
IMAGE_MARK = "/etc/nfs-golden-image"
TERRAFORM_SECONDS = 900


class NfsSite:
    """Builds the site on two guests that run already, by the API, by Terraform and by hand on the hosts."""

    def __init__(
        self,
        lab: RunDirectory,
        api: ApiProcess,
        access: GuestAccess,
        shape: SiteShape,
        say: Callable[[str], None],
    ) -> None:
        self._lab = lab
        self._shape = shape
        self._api = api
        self._access = access
        self._say = say
        self.terraform = Terraform(lab.root)

    def build(self, instances: Mapping[str, str], image_id: str, standby: bool) -> None:
        """`instances`: OCIDs by name. With `standby` nfs-srv-2 is launched now, and waits without volumes."""
        volume_ids = self._make_volumes()
        if self._shape.server is not None:
            if self._shape.second_nic:
                self._say(f"{SERVER} gets its second network card by hand")
                address = SECOND_ADDRESSES[SERVER]
                attach_second_nic(self._api, self._access, instances[SERVER], ADDRESSES[SERVER], address)
            attachments = self._attach_by_hand(instances[SERVER], volume_ids)
            self._make_hosts(
                [f"{a.iqn}={a.ipv4}:{a.port}" for a in attachments.values()],
                [],
                named_by_clients(self._shape, SERVER),
            )
            self._adopt(instances[SERVER], self._take_image(instances[SERVER]), standby)
            return
        self._say("Terraform adopts nfs-srv-1 and attaches the volumes to it")
        variables = site_variables(
            self._api.facts(),
            server_id=instances[SERVER],
            image_id=image_id,
            volume_ids=volume_ids,
            ssh_authorized_keys=self._access.public_key,
            standby=standby,
            storage=self._shape.storage,
        )
        lay_stack(self._lab.root, variables)
        self.terraform.run("init", "-input=false")
        self.terraform.run("apply", "-auto-approve", "-input=false")
        self._make_hosts(_portals(self.terraform.output()), [], named_by_clients(self._shape, SERVER))
        self.write_site_file()

    def _adopt(self, server_id: str, image_id: str, standby: bool) -> None:
        """What the project makes of a server of which it has nothing but the OCID: `invoke adopt`.

        Of nfs-srv-2 a person has written what no server can tell: its image, and the address of the lab's.
        """
        facts = self._api.facts()
        successor = {
            "image_id": image_id,
            "shape": SHAPE,
            "availability_domain": facts["availability_domains"][0],
            "subnet_id": facts["subnet_id"],
            "private_ip": ADDRESSES[SUCCESSOR],
            "standby": False,
        }
        if self._shape.second_nic:
            second = {"subnet_id": facts["storage_subnet_id"], "private_ip": SECOND_ADDRESSES[SUCCESSOR]}
            successor["secondary_vnics"] = {"nfs": second}
        folder = lay_stack(self._lab.root, {})
        (folder / VARIABLES_FILE).unlink()
        variables = folder / "site.auto.tfvars"
        keys = f"ssh_authorized_keys = {json.dumps(self._access.public_key)}\n"
        variables.write_text(f"{keys}servers = {json.dumps({SUCCESSOR: successor})}\n")
        self._say("`invoke adopt` reads nfs-srv-1 and writes its site")
        site_file = self.write_site_file(clients=False)
        adopt = ["adopt", "--instance", server_id, "--site", str(site_file), "--yes"]
        completed = run(
            [sys.executable, "-m", "invoke", *adopt], cwd=ROOT, deadline_seconds=TERRAFORM_SECONDS
        )
        (self._lab.root / "adopt.log").write_text(completed.stdout)
        if standby:
            text = re.sub(r"(standby *= )false", r"\1true", variables.read_text())
            variables.write_text(text)
            self.terraform.run("apply", "-auto-approve", "-input=false")

    def build_in_console(
        self,
        console: ConsoleStack,
        instances: Mapping[str, str],
        image_id: str,
        standby: bool,
        hooks_url: str,
    ) -> None:
        """The same site with a service address, its stack in Resource Manager and filled in as a form."""
        volume_ids = self._make_volumes()
        self._say("a stack of the zip in Resource Manager adopts nfs-srv-1 and attaches the volumes to it")
        facts = self._api.facts()
        console.create(
            STACK_ZIP,
            {
                "region": facts["region"],
                "compartment_id": facts["compartment_id"],
                "server_name": SERVER,
                "server_instance_id": instances[SERVER],
                "volume_ids": json.dumps(list(volume_ids.values())),
                "active_server": SERVER,
                "replacement_name": SUCCESSOR,
                "replacement_image_id": image_id,
                "replacement_shape": SHAPE,
                "replacement_availability_domain": facts["availability_domains"][0],
                "replacement_subnet_id": facts["subnet_id"],
                "replacement_private_ip": ADDRESSES[SUCCESSOR],
                "replacement_standby": json.dumps(standby),
                "ssh_authorized_keys": self._access.public_key,
                "service_ip": SERVICE_ADDRESS,
                "mount_path": "/mnt/a",
                "export_clients": json.dumps(["10.0.0.0/16"]),
                "export_fsid": "1",
                "hooks_url": hooks_url,
            },
        )
        console.apply()
        self._make_hosts(_portals(console.output()), [f"{SERVICE_ADDRESS}/24"], SERVICE_ADDRESS)

    def _make_hosts(self, portals: list[str], addresses: list[str], mounted_from: str) -> None:
        self._say("nfs-srv-1: iSCSI, LVM, XFS, export; nfs-cli: mount, writer")
        built = f"sites/{self._shape.server}" if self._shape.server else "make-server.sh"
        self._access.scripts(ADDRESSES[SERVER], ("log-in.sh", built), *addresses, *portals)
        folder = GUEST
        files = {name: (folder / name).read_text() for name in ("writer.py", "writer.service")}
        self._access.put(ADDRESSES[CLIENT], files)
        lines = [line.format(server=mounted_from) for line in self._shape.lines]
        self._access.script(ADDRESSES[CLIENT], "make-client.sh", *lines)

    def _attach_by_hand(self, server: str, volume_ids: Mapping[str, str]) -> dict[str, Any]:
        """The volumes' attachments by name, made as a person makes them: one call each, no Terraform."""
        from oci.core.models import AttachIScsiVolumeDetails

        client = self._api.compute_client()
        self._say(f"{len(volume_ids)} volumes are attached to nfs-srv-1 by hand")
        agent = {"is_agent_auto_iscsi_login_enabled": True} if self._shape.agent_login else {}
        made: dict[str, str] = {}
        for name, ocid in volume_ids.items():
            details = AttachIScsiVolumeDetails(instance_id=server, volume_id=ocid, **agent)
            made[name] = client.attach_volume(details).data.id
        for ocid in made.values():
            wait_for_state(client, client.get_volume_attachment, ocid, "ATTACHED")
        return {name: client.get_volume_attachment(ocid).data for name, ocid in made.items()}

    def _take_image(self, server: str) -> str:
        """An image of the server, with its own fstab, exports and records; the image's OCID.

        Where the shape says so, the lines of its filesystems are commented out meanwhile.
        """
        from oci.core.models import CreateImageDetails

        self._say("the custom image of nfs-srv-1 is taken")
        lines = [f"\\,^[^#].*[[:space:]]{mount}/*[[:space:]]," for mount in self._shape.filesystems]
        if self._shape.masked:
            self._edit_fstab(*(f"{line}s/^/#/" for line in lines))
        self._access.run(ADDRESSES[SERVER], ["sudo", "sync"])
        client = self._api.compute_client()
        details = CreateImageDetails(
            compartment_id=self._api.facts()["compartment_id"], instance_id=server, display_name=SITE_IMAGE
        )
        image = client.create_image(details).data
        wait_for_state(client, client.get_image, image.id, "AVAILABLE")
        if self._shape.masked:
            self._edit_fstab(*(line.replace("^[^#]", "^#") + "s/^#//" for line in lines))
        return str(image.id)

    def _edit_fstab(self, *edits: str) -> None:
        """Edits of nfs-srv-1's fstab by sed(1)."""
        words = [word for edit in edits for word in ("-e", edit)]
        self._access.run(ADDRESSES[SERVER], ["sudo", "sed", "-i", *words, "/etc/fstab"])

    def _make_volumes(self) -> dict[str, str]:
        self._say(f"volumes {' and '.join(self._shape.volumes)}")
        from oci.core.models import CreateVolumeDetails

        facts, client = self._api.facts(), self._api.block_client()
        made: dict[str, str] = {}
        for name in self._shape.volumes:
            details = CreateVolumeDetails(
                compartment_id=facts["compartment_id"],
                availability_domain=facts["availability_domains"][0],
                display_name=name,
                size_in_gbs=VOLUME_GBS,
            )
            made[name] = client.create_volume(details).data.id
        for ocid in made.values():
            wait_for_state(client, client.get_volume, ocid, "AVAILABLE")
        return made

    def write_site_file(self, clients: bool = True) -> Path:
        """RUN/site.toml: what an operator of this site would have, with the lab's endpoints in it.

        Without `clients` it is left to `invoke adopt` to find them.
        """
        path = self._lab.root / "site.toml"
        mounts = ", ".join(
            f"{{ path = {json.dumps(path)}, mount = {json.dumps(mount)} }}"
            for path, mount in self._shape.mounts()
        )
        quoted = {k: json.dumps(v) for k, v in self.terraform.environment().items()}
        lines = [
            "# the lab's site; the same file that an operator of a real site writes",
            "[terraform]",
            f"directory = {json.dumps(str(self.terraform.directory))}",
            "[terraform.environment]",
            *(f"{k} = {v}" for k, v in quoted.items()),
            "[oci]",
            f"config_file = {json.dumps(str(self._api.config_file))}",
            f'endpoint = "{self._api.endpoint}"',
            "[ssh]",
            f"user = {json.dumps(self._access.user)}",
            f"identity_file = {json.dumps(str(self._access.key))}",
            f"config_file = {json.dumps(str(self._access.config))}",
            f"known_hosts = {json.dumps(str(self._access.known_hosts))}",
            f"connect_seconds = {6 * slowness():.0f}",  # a slow client is no silent one
            "[deadlines]",
            "launch = 300",
            "power = 60",
            "switch = 300",
            "boot = 600",
            "[objectives]",
            "outage_seconds = 600",
        ]
        if clients:
            lines += ["[[clients]]", f'name = "{CLIENT}"', f'address = "{ADDRESSES[CLIENT]}"']
            lines += [f"mounts = [{mounts}]"]
        path.write_text("\n".join(lines) + "\n")
        return path


def named_by_clients(shape: SiteShape, server: str) -> str:
    """How the site's clients name a server."""
    if shape.second_nic:
        return SECOND_ADDRESSES[server]
    return ADDRESSES[server] if shape.by_address else server


def _portals(output: Mapping[str, Any]) -> list[str]:
    """IQN=ADDRESS:PORT of each volume, as the scripts on the guests take it."""
    return [f"{v['iqn']}={v['address']}:{v['port']}" for v in output["volumes"].values()]


class Terraform:
    """The lab's own use of Terraform on RUN/stack: to set the site up, and to look at it independently."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "stack"
        self._provider = ProviderProcess(root)

    def environment(self) -> dict[str, str]:
        """What Terraform needs beside the operator's own environment to meet this lab."""
        return self._provider.environment()

    def run(self, *argv: str, tolerated: tuple[int, ...] = (0,)) -> str:
        """Run one command in the stack's folder; its stdout. Raises HardwareError with its stderr."""
        return run(
            ["terraform", *argv],
            cwd=self.directory,
            env={**os.environ, **self.environment()},
            deadline_seconds=TERRAFORM_SECONDS,
            tolerated=tolerated,
        ).stdout

    def output(self) -> dict[str, Any]:
        """The output `failover` of the present state."""
        value: dict[str, Any] = json.loads(self.run("output", "-json", "failover"))
        return value

    def pending_changes(self) -> int:
        """How many resources a plan made now would change."""
        self.run("plan", "-input=false", "-out=check.tfplan")
        shown = json.loads(self.run("show", "-json", "check.tfplan"))
        (self.directory / "check.tfplan").unlink()
        return changes_in(shown)
