"""The lab's first two guests, launched through the API as any user would, and the server's image."""

from __future__ import annotations

import re
from collections.abc import Callable

from lab.client.api_process import ApiProcess
from lab.client.wait import wait_for_state
from lab.site.nfs_site import ADDRESSES, CLIENT, IMAGE, IMAGE_MARK, SERVER
from lab.site.ssh_access import GuestAccess
from lab.site.stack import SHAPE
from lab.system.errors import HardwareError
from lab.system.waiting import until

_BOOT_SECONDS = 600  # of a machine that is busy with other guests
_KEYS = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----\s(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)


class Founding:
    """Launches nfs-srv-1 and nfs-cli, waits until cloud-init is through, takes the image."""

    def __init__(self, api: ApiProcess, access: GuestAccess, say: Callable[[str], None]) -> None:
        self._api = api
        self._access = access
        self._say = say

    def establish(self) -> None:
        """Both guests, up and trusted; the image AVAILABLE. About a minute and a half."""
        self._say("first use: nfs-srv-1 and nfs-cli are launched and boot (about a minute)")
        instances = {name: self._launch(name) for name in (SERVER, CLIENT)}
        for name, ocid in instances.items():
            self.await_boot(name, ocid)
        self._access.run(
            ADDRESSES[SERVER], ["sudo", "sh", "-c", f"hostname > {IMAGE_MARK} && sync -f {IMAGE_MARK}"]
        )
        self._say("the custom image of nfs-srv-1 is taken")
        self._image(instances[SERVER])

    def await_boot(self, name: str, ocid: str) -> None:
        """Wait until the guest's first boot is through; it is trusted from then on."""
        address = ADDRESSES[name]
        self.trust(name, ocid)
        self._access.wait(address, _BOOT_SECONDS)
        self._access.run(address, ["cloud-init", "status", "--wait"], deadline_seconds=_BOOT_SECONDS)

    def trust(self, name: str, ocid: str) -> None:
        """Know a guest by the keys that it prints on its console at the end of its first boot."""
        self._access.trust(ADDRESSES[name], self._host_keys(ocid))

    def _launch(self, name: str) -> str:
        from oci.core import models

        facts, client = self._api.facts(), self._api.compute_client()
        details = models.LaunchInstanceDetails(
            compartment_id=facts["compartment_id"],
            availability_domain=facts["availability_domains"][0],
            display_name=name,
            shape=SHAPE,
            source_details=models.InstanceSourceViaImageDetails(image_id=facts["base_image_id"]),
            create_vnic_details=models.CreateVnicDetails(
                subnet_id=facts["subnet_id"],
                private_ip=ADDRESSES[name],
                hostname_label=name,
                assign_public_ip=False,
            ),
            metadata={"ssh_authorized_keys": self._access.public_key},
        )
        ocid: str = client.launch_instance(details).data.id
        wait_for_state(client, client.get_instance, ocid, "RUNNING")
        return ocid

    def _host_keys(self, ocid: str) -> list[str]:
        """The host keys that cloud-init prints at the end of the first boot."""
        block = self.await_console(ocid, _KEYS)[-1]
        return [" ".join(line.split()[:2]) for line in block.splitlines() if line.strip()]

    def await_console(self, ocid: str, pattern: re.Pattern[str]) -> list[str]:
        """What the pattern finds on an instance's console, read through the API, once it finds something.

        Raises HardwareError at the deadline.
        """
        matches = until(lambda: pattern.findall(self._console(ocid)), _BOOT_SECONDS, 1)
        if not matches:
            raise HardwareError(f"{ocid}: no {pattern.pattern} on its console in {_BOOT_SECONDS} s")
        return [str(one) for one in matches]

    def _console(self, ocid: str) -> str:
        from oci.core.models import CaptureConsoleHistoryDetails

        client = self._api.compute_client()
        history = client.capture_console_history(CaptureConsoleHistoryDetails(instance_id=ocid)).data
        wait_for_state(client, client.get_console_history, history.id, "SUCCEEDED")
        content = client.get_console_history_content(history.id, length=1024 * 1024).data
        return str(content.decode(errors="replace").replace("\r", ""))

    def _image(self, server: str) -> None:
        from oci.core.models import CreateImageDetails

        client = self._api.compute_client()
        details = CreateImageDetails(
            compartment_id=self._api.facts()["compartment_id"], instance_id=server, display_name=IMAGE
        )
        image = client.create_image(details).data
        wait_for_state(client, client.get_image, image.id, "AVAILABLE")
