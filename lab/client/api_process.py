"""The lab's cloud as its users reach it: the API's process, SDK clients pointed at it, the controls."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lab.client.signing import signer
from lab.system.paths import ROOT
from lab.system.programs import API
from lab.system.waiting import until

START_SECONDS = 30.0
STOP_SECONDS = 15.0
CONTROL_SECONDS = 60.0


class CloudError(Exception):
    """The lab's API did not start, stop or answer: says what was found and where to look."""


@dataclass(frozen=True)
class ApiProcess:
    """The API server of the lab in directory `run`, running or not."""

    run: Path

    def start(
        self, hardware: str = "guests", delay_factor: float | None = None, port: int = 0
    ) -> "ApiProcess":
        """Start it and wait until it listens; one that runs already is left as it is. Raises CloudError."""
        if self.running():
            return self
        run = self.run.resolve()
        run.mkdir(parents=True, exist_ok=True)
        (run / "api.port").unlink(missing_ok=True)
        argv = [sys.executable, "-m", API, "--run", str(run), "--port", str(port)]
        argv += ["--hardware", hardware]
        argv += [] if delay_factor is None else ["--delay-factor", str(delay_factor)]
        with (run / "api.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._await_port(process)
        return self

    def stop(self) -> None:
        """Ask it to end and wait for it; not running is success. Guests are left alone."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)

    def running(self) -> bool:
        """Whether its process lives and listens."""
        return self.pid() is not None and (self.run / "api.port").exists()

    def pid(self) -> int | None:
        """Its process id, if the process in api.pid is this lab's API."""
        try:
            pid = int((self.run / "api.pid").read_text())
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if "lab.api" in argv and str(self.run.resolve()) in argv else None

    @property
    def endpoint(self) -> str:
        """http://127.0.0.1:PORT; raises CloudError when it does not run."""
        try:
            return f"http://127.0.0.1:{int((self.run / 'api.port').read_text())}"
        except FileNotFoundError:
            raise CloudError(f"the lab in {self.run} has no API running: bring the lab up") from None

    @property
    def config_file(self) -> Path:
        """An ordinary OCI configuration file, profile DEFAULT."""
        return self.run / "oci" / "config"

    def facts(self) -> dict[str, Any]:
        """RUN/cloud.json: OCIDs (compartment_id, subnet_id, base_image_id ...) and availability_domains."""
        facts: dict[str, Any] = json.loads((self.run / "cloud.json").read_text())
        return facts

    def control(self, method: str, name: str, document: dict[str, Any] | None = None) -> Any:
        """Use a control under /lab/ ("crash/OCID", "faults" ...); its JSON answer. Raises CloudError."""
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.endpoint}/lab/{name}", data, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=CONTROL_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise CloudError(f"{method} /lab/{name}: {error.code} {error.read().decode()}") from error
        except urllib.error.URLError as error:
            raise CloudError(f"{method} {self.endpoint}/lab/{name}: {error.reason}") from error

    def inject(self, operation: str, **fault: Any) -> None:
        """Make calls of an operation go wrong; fields as in lab.api.core.faults.Fault."""
        self.control("POST", "faults", {"operation": operation, **fault})

    def seed(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Register what exists already; fields as in lab.api.http.seeds.seed. Its record."""
        record: dict[str, Any] = self.control("POST", "seed", {"kind": kind, **fields})
        return record

    def compute_client(self, **options: Any) -> Any:
        """oci.core.ComputeClient for this lab; options as the SDK's (timeout, retry_strategy)."""
        return self._client("core.ComputeClient", options)

    def block_client(self, **options: Any) -> Any:
        """oci.core.BlockstorageClient for this lab."""
        return self._client("core.BlockstorageClient", options)

    def network_client(self, **options: Any) -> Any:
        """oci.core.VirtualNetworkClient for this lab."""
        return self._client("core.VirtualNetworkClient", options)

    def identity_client(self, **options: Any) -> Any:
        """oci.identity.IdentityClient for this lab."""
        return self._client("identity.IdentityClient", options)

    def resource_manager_client(self, **options: Any) -> Any:
        """oci.resource_manager.ResourceManagerClient for this lab."""
        return self._client("resource_manager.ResourceManagerClient", options)

    def agent_client(self, **options: Any) -> Any:
        """oci.compute_instance_agent.ComputeInstanceAgentClient for this lab."""
        return self._client("compute_instance_agent.ComputeInstanceAgentClient", options)

    def plugin_client(self, **options: Any) -> Any:
        """oci.compute_instance_agent.PluginClient for this lab."""
        return self._client("compute_instance_agent.PluginClient", options)

    def work_request_client(self, **options: Any) -> Any:
        """oci.work_requests.WorkRequestClient for this lab."""
        return self._client("work_requests.WorkRequestClient", options)

    def _client(self, name: str, options: dict[str, Any]) -> Any:
        package, _, kind = name.partition(".")
        config = import_module("oci.config").from_file(str(self.config_file))
        client = getattr(import_module(f"oci.{package}"), kind)  # late: the SDK takes a second to import
        return client(config, signer=signer(config), service_endpoint=self.endpoint, **options)

    def _await_port(self, process: "subprocess.Popen[bytes]") -> None:
        port = self.run / "api.port"
        until(lambda: port.exists() or process.poll() is not None, START_SECONDS)
        if not port.exists():
            process.kill()
            tail = (self.run / "api.log").read_text()[-800:]
            raise CloudError(f"the API of {self.run} did not start: {tail or 'its log is empty'}")

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, number)
        if not until(lambda: self.pid() != pid or _reaped(pid), STOP_SECONDS):
            raise CloudError(f"the API of {self.run} (pid {pid}) did not end in {STOP_SECONDS:.0f} s")
        (self.run / "api.port").unlink(missing_ok=True)


def _reaped(pid: int) -> bool:
    """Collect the process if it is our child and has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
