"""Whose key the stand-in uses: arguments from the environment first, then the profile of a file.

So does the real provider (8.28.0, internal/provider/provider.go). RUN/oci/config is in ~/.oci/config's place.
"""

from pathlib import Path
from typing import Any

import oci

from lab.provider.place import ProviderError

# Of the provider's arguments, by the field of the file that each takes the place of.
_ARGUMENTS = {
    "tenancy": "tenancy_ocid",
    "user": "user_ocid",
    "fingerprint": "fingerprint",
    "key_file": "private_key_path",
    "pass_phrase": "private_key_password",
}


def credentials(run: Path, region: str | None, profile: str, variables: dict[str, str]) -> dict[str, Any]:
    """The SDK's configuration. Raises ProviderError when there is none, or the profile is not in the file."""
    file = run / "oci" / "config"
    profile = profile or _variable(variables, "config_file_profile")
    given = {field: value for field, name in _ARGUMENTS.items() if (value := _variable(variables, name))}
    config = {**_of_file(file, profile, bool(given)), **given}
    return {**config, "region": region} if region else config


def _of_file(file: Path, profile: str, optional: bool) -> dict[str, Any]:
    try:
        return dict(oci.config.from_file(str(file), profile or "DEFAULT"))
    except oci.exceptions.ProfileNotFound as error:
        if optional and not profile:
            return {}
        if profile:
            raise ProviderError(f"configuration file did not contain profile: {profile}") from error
        raise ProviderError(f"{file} has no usable DEFAULT profile: start the lab's API first") from error
    except oci.exceptions.ConfigFileNotFound as error:
        if optional:
            return {}
        raise ProviderError(f"{file} has no usable DEFAULT profile: start the lab's API first") from error


def _variable(variables: dict[str, str], name: str) -> str:
    return variables.get(f"TF_VAR_{name}") or variables.get(f"OCI_{name.upper()}") or ""
