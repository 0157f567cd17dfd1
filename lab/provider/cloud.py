"""The API's clients: the oci SDK as it is, with its endpoints pointed at the lab."""

import os
import threading
from pathlib import Path
from typing import Any

import oci

from lab.client.signing import signer
from lab.provider import durations, retry
from lab.provider.credentials import credentials
from lab.provider.place import PATIENCE_VARIABLE, ProviderError, host_overrides, lab_endpoint
from lab.provider.retry import Patience

_CLIENTS = {
    "oci_core.ComputeClient": oci.core.ComputeClient,
    "oci_core.BlockstorageClient": oci.core.BlockstorageClient,
    "oci_core.VirtualNetworkClient": oci.core.VirtualNetworkClient,
    "oci_dns.DnsClient": oci.dns.DnsClient,
}
_FIXED = {"oci_work_requests.WorkRequestClient": oci.work_requests.WorkRequestClient}
_CONNECT_SECONDS = 10.0


class ProviderClients:
    """The clients of one configured provider, one set per thread: an SDK client is not shared."""

    def __init__(
        self,
        config: dict[str, Any],
        endpoints: dict[str, str],
        timeout_seconds: float,
        patience: Patience,
    ) -> None:
        self._retries = retry.strategy(patience, timeout_seconds)
        self._config = config
        self._endpoints = endpoints
        self._timeout = (_CONNECT_SECONDS, timeout_seconds)
        self._local = threading.local()

    @classmethod
    def of_lab(
        cls, run: Path, region: str | None, profile: str = "", environment: dict[str, str] | None = None
    ) -> "ProviderClients":
        """The cloud of lab directory `run`, or the one that CLIENT_HOST_OVERRIDES names.

        `profile`: the provider's argument config_file_profile. Raises ProviderError when the lab has no API
        or no credentials.
        """
        variables = dict(os.environ) if environment is None else environment
        timeout = durations.seconds(variables.get("HTTP_REQUEST_TIMEOUT") or "60s")
        return cls(
            credentials(run, region, profile, variables),
            _endpoints(run, variables),
            timeout,
            _patience(variables),
        )

    @property
    def compute(self) -> Any:
        """Instances and attachments."""
        return self._client("oci_core.ComputeClient")

    @property
    def storage(self) -> Any:
        """Volumes and boot volumes."""
        return self._client("oci_core.BlockstorageClient")

    @property
    def network(self) -> Any:
        """VNICs and private IPs."""
        return self._client("oci_core.VirtualNetworkClient")

    @property
    def names(self) -> Any:
        """DNS records."""
        return self._client("oci_dns.DnsClient")

    @property
    def work(self) -> Any:
        """Work requests. The real provider's client for them cannot be pointed elsewhere."""
        return self._client("oci_work_requests.WorkRequestClient", at="oci_core.ComputeClient")

    def _client(self, name: str, at: str = "") -> Any:
        if not hasattr(self._local, name):
            client = {**_CLIENTS, **_FIXED}[name](
                self._config,
                signer=signer(self._config),
                service_endpoint=self._endpoints[at or name],
                timeout=self._timeout,
                retry_strategy=self._retries,
                circuit_breaker_strategy=oci.circuit_breaker.NoCircuitBreakerStrategy(),
            )
            setattr(self._local, name, client)
        return getattr(self._local, name)


def _endpoints(run: Path, environment: dict[str, str]) -> dict[str, str]:
    overrides = environment.get("CLIENT_HOST_OVERRIDES") or host_overrides(lab_endpoint(run))
    named = dict(entry.split("=", 1) for entry in overrides.split(";") if "=" in entry)
    missing = [name for name in _CLIENTS if name not in named]
    if missing:
        raise ProviderError(
            f"CLIENT_HOST_OVERRIDES lacks {', '.join(missing)}: expected {host_overrides('http://HOST:PORT')}"
        )
    return named


def _patience(variables: dict[str, str]) -> Patience:
    def number(name: str) -> float | None:
        return float(variables[name]) if variables.get(name) else None

    # the real provider reads its argument retry_duration_seconds from this variable, too
    return Patience(number("TF_VAR_retry_duration_seconds"), number(PATIENCE_VARIABLE))
