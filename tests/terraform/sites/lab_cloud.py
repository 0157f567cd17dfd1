"""The lab's API without guests, as a test sees it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import oci

from lab.provider.place import lab_endpoint
from tests.paths import ROOT

DEADLINE_SECONDS = 120.0  # a loaded machine starts a process slowly


@contextmanager
def serving(run: Path) -> Iterator["LabCloud"]:
    """An API process for lab directory `run`."""
    command = [sys.executable, "-m", "lab.api", "--run", str(run), "--hardware", "none"]
    with (run / "api.log").open("wb") as log:
        api = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (run / "api.port").exists():
            assert api.poll() is None, (run / "api.log").read_text()
            assert time.monotonic() < deadline, "the API did not start"
            time.sleep(0.02)
        yield LabCloud(run)
    finally:
        api.send_signal(signal.SIGTERM)
        api.wait(DEADLINE_SECONDS)


class LabCloud:
    """The SDK's clients, and the lab's own controls."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.facts: dict[str, Any] = json.loads((run / "cloud.json").read_text())
        self.endpoint = lab_endpoint(run)
        config = oci.config.from_file(str(run / "oci" / "config"))
        self.compute = oci.core.ComputeClient(config, service_endpoint=self.endpoint)
        self.storage = oci.core.BlockstorageClient(config, service_endpoint=self.endpoint)
        self.network = oci.core.VirtualNetworkClient(config, service_endpoint=self.endpoint)
        self.names = oci.dns.DnsClient(config, service_endpoint=self.endpoint)

    def launch(self, name: str, domain: int = 0, compartment: str = "") -> str:
        """OCID of a new instance that is RUNNING. `compartment`: another than the lab's own."""
        models = oci.core.models
        details = models.LaunchInstanceDetails(
            availability_domain=self.facts["availability_domains"][domain],
            compartment_id=compartment or self.facts["compartment_id"],
            display_name=name,
            shape="BM.Optimized3.36",
            source_details=models.InstanceSourceViaImageDetails(image_id=self.facts["base_image_id"]),
            create_vnic_details=models.CreateVnicDetails(
                subnet_id=self.facts["subnet_id"], assign_public_ip=False
            ),
        )
        made = self.compute.launch_instance(details).data
        self._until(lambda: self.compute.get_instance(made.id).data, "RUNNING")
        return made.id

    def power_off(self, instance_id: str) -> None:
        self.compute.instance_action(instance_id, "STOP")
        self._until(lambda: self.compute.get_instance(instance_id).data, "STOPPED")

    def terminate(self, instance_id: str) -> None:
        self.compute.terminate_instance(instance_id, preserve_boot_volume=False)
        self._until(lambda: self.compute.get_instance(instance_id).data, "TERMINATED")

    def volume(self, name: str, domain: int = 0) -> str:
        """OCID of a new volume that is AVAILABLE."""
        details = oci.core.models.CreateVolumeDetails(
            availability_domain=self.facts["availability_domains"][domain],
            compartment_id=self.facts["compartment_id"],
            display_name=name,
            size_in_gbs=50,
        )
        made = self.storage.create_volume(details).data
        self._until(lambda: self.storage.get_volume(made.id).data, "AVAILABLE")
        return made.id

    def attach(self, volume_id: str, instance_id: str) -> str:
        """OCID of a new attachment that is ATTACHED, made with the API's defaults."""
        details = oci.core.models.AttachIScsiVolumeDetails(instance_id=instance_id, volume_id=volume_id)
        made = self.compute.attach_volume(details).data
        self._until(lambda: self.compute.get_volume_attachment(made.id).data, "ATTACHED")
        return made.id

    def attached_as(self, volume_id: str, instance_id: str, **fields: object) -> str:
        """OCID of an attachment that somebody made otherwise: `fields` in OCI's own spelling."""
        seed = {"kind": "attachment", "volumeId": volume_id, "instanceId": instance_id}
        portal = {"iqn": f"iqn.2015-12.com.oracleiaas:{volume_id[-8:]}", "ipv4": "169.254.2.2"}
        return str(self._control("POST", "seed", {**seed, **portal, **fields})["id"])

    def detach(self, attachment_id: str) -> None:
        self.compute.detach_volume(attachment_id)
        self._until(lambda: self.compute.get_volume_attachment(attachment_id).data, "DETACHED")

    def holders(self, volume_id: str) -> list[str]:
        """OCIDs of the instances that have the volume now."""
        listed = self.compute.list_volume_attachments(self.facts["compartment_id"], volume_id=volume_id).data
        return [one.instance_id for one in listed if one.lifecycle_state != "DETACHED"]

    def address(self, instance_id: str) -> str:
        """The primary private address of an instance."""
        compartment = self.facts["compartment_id"]
        listed = self.compute.list_vnic_attachments(compartment, instance_id=instance_id).data
        return self.network.get_vnic(listed[0].vnic_id).data.private_ip

    def addresses(self, instance_id: str) -> list[str]:
        """All private addresses of an instance."""
        compartment = self.facts["compartment_id"]
        listed = self.compute.list_vnic_attachments(compartment, instance_id=instance_id).data
        return [one.ip_address for one in self.network.list_private_ips(vnic_id=listed[0].vnic_id).data]

    def requests(self) -> list[dict[str, Any]]:
        """The log of all calls so far."""
        return self._control("GET", "requests")

    def inject(self, **fault: Any) -> None:
        """Make a coming call go wrong."""
        self._control("POST", "faults", fault)

    def faults(self) -> list[dict[str, Any]]:
        """Those that have not yet been met as often as they were to be."""
        return self._control("GET", "faults")

    def clear_faults(self) -> None:
        self._control("DELETE", "faults")

    def forget_terminated(self) -> None:
        """The terminated instances are no longer known, as on OCI after a while."""
        self._control("POST", "forget", {})

    def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.endpoint}/lab/{name}", data, headers, method=method)
        with urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return json.loads(answer.read() or b"null")

    @staticmethod
    def _until(fetch: Callable[[], Any], state: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := fetch()).lifecycle_state != state:
            assert time.monotonic() < deadline, f"{found.id} is {found.lifecycle_state}, not {state}"
            time.sleep(0.02)
