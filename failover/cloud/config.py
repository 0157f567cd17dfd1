"""The OCI configuration file of a site, read and checked before the first call of the API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import oci

from failover.model.outcome import Usage
from failover.model.site import CloudAccess


def configuration(access: CloudAccess) -> dict[str, Any]:
    """The profile as the SDK wants it; raises Usage for a file, profile, value or key that is not usable."""
    try:
        config = oci.config.from_file(str(access.config_file), access.profile)
    except (oci.exceptions.ConfigFileNotFound, oci.exceptions.ProfileNotFound) as error:
        raise Usage(
            f"OCI configuration: {error}", "run `oci setup config`, or correct [oci] in the site"
        ) from error
    except (oci.exceptions.InvalidConfig, oci.exceptions.InvalidKeyFilePath) as error:
        raise Usage(f"OCI configuration {access.config_file}: {error}", "correct the file") from error
    return dict(config)


def signing(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a client of the SDK is given so that the API key is read once, not by each of them (40 ms each).

    Empty where the SDK has to choose by itself (authentication_type: session tokens, ...). Raises Usage for a
    key that cannot be read.
    """
    if oci.config.AUTHENTICATION_TYPE_FIELD_NAME in config:
        return {}
    names = ("tenancy", "user", "fingerprint", "key_file", "pass_phrase", "key_content")
    try:
        return {"signer": _signer(*(config.get(name) for name in names))}
    except (oci.exceptions.InvalidPrivateKey, oci.exceptions.MissingPrivateKeyPassphrase, OSError) as error:
        raise Usage(
            f"the API key {config.get('key_file')}: {error}", "correct key_file or pass_phrase in the file"
        ) from error


_signer = lru_cache(maxsize=4)(oci.signer.Signer)
