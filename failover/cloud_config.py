"""The OCI configuration file of a site, read and checked before anything is asked of the API."""

from __future__ import annotations

from typing import Any

import oci

from failover.outcome import Usage
from failover.site import CloudAccess


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
