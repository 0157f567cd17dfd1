"""Where a lab's provider announces itself, and where it finds the lab: known without the SDK.

The SDK takes seconds to import, and every process of the lab would pay for it.
"""

from pathlib import Path

ADDRESS = "oracle/oci"
REATTACH_FILE = "reattach.json"
PID_FILE = "provider.pid"
PATIENCE_VARIABLE = "LAB_PROVIDER_PATIENCE_SECONDS"  # no provider but this one knows it
OVERRIDABLE = (
    "oci_core.ComputeClient",
    "oci_core.BlockstorageClient",
    "oci_core.VirtualNetworkClient",
    "oci_dns.DnsClient",
    "oci_identity.IdentityClient",
    "oci_resourcemanager.ResourceManagerClient",
)


class ProviderError(Exception):
    """A reason, in one line, why Terraform's request cannot be met."""


def host_overrides(endpoint: str) -> str:
    """CLIENT_HOST_OVERRIDES for all services at one endpoint (no path, no slash at its end)."""
    return ";".join(f"{name}={endpoint}" for name in OVERRIDABLE)


def lab_endpoint(run: Path) -> str:
    """http://127.0.0.1:PORT of the lab's API. Raises ProviderError when it is not up."""
    port_file = run / "api.port"
    try:
        port = int(port_file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError) as error:
        raise ProviderError(f"{port_file} has no port number: start the lab's API for {run} first") from error
    return f"http://127.0.0.1:{port}"
