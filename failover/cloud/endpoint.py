"""Whether the OCI endpoint of a site answers at all."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from failover.model.outcome import Unknown
from failover.model.site import Site


def check_endpoint(site: Site) -> None:
    """Raise Unknown in milliseconds when the endpoint does not answer, before the SDK is loaded."""
    where = urlsplit(site.cloud.endpoint)
    if not where.hostname:
        return
    try:
        socket.create_connection((where.hostname, where.port or 443), timeout=10).close()
    except OSError as error:
        raise Unknown(
            f"the OCI endpoint {site.cloud.endpoint} does not answer: {error}",
            "check [oci] endpoint in the site; for the lab: `./inv lab.up`",
        ) from error
