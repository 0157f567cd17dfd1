"""The signature of API calls: the key is read once, not by every client of the SDK (40 ms each)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def signer(config: Mapping[str, Any]) -> Any:
    """The oci.signer.Signer of an OCI configuration with a key file; clients in all threads may share it."""
    return _signer(*(str(config[name]) for name in ("tenancy", "user", "fingerprint", "key_file")))


@lru_cache(maxsize=4)
def _signer(tenancy: str, user: str, fingerprint: str, key_file: str) -> Any:
    import oci

    return oci.signer.Signer(tenancy, user, fingerprint, key_file)
