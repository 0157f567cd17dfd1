"""Names and times in OCI's forms."""

import base64
import secrets
from datetime import UTC, datetime

REGION = "eu-frankfurt-1"


def new_ocid(kind: str, region: str = REGION) -> str:
    """`ocid1.<kind>.oc1.<region>.<60 characters>`; tenancies, users and compartments have no region."""
    unique = base64.b32encode(secrets.token_bytes(35)).decode().lower().rstrip("=")
    return f"ocid1.{kind}.oc1.{region}.aaaa{unique}"


def timestamp() -> str:
    """Now, as RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
