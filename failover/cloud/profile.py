"""One OCI profile for the SDK and for Terraform's provider: that of `[oci]` in the site.

The provider (oracle/oci 8.28.0, internal/provider/provider.go) reads a profile of ~/.oci/config alone, and of
no other file while that one exists. But its arguments come first, and it takes them from variables of the
environment too, so the profile's fields are given to it there. The key itself stays in its file.
"""

from __future__ import annotations

import configparser
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from failover.model.outcome import Usage
from failover.model.site import CloudAccess, Site

# The provider's argument for each field of the file.
_ARGUMENTS = {
    "tenancy": "tenancy_ocid",
    "user": "user_ocid",
    "fingerprint": "fingerprint",
    "key_file": "private_key_path",
    "pass_phrase": "private_key_password",
}
_TOKEN = "security_token_file"  # noqa: S105 - the name of a field
_EXAMPLE = "compare it with docs/site.example.toml"


def read(access: CloudAccess) -> dict[str, str]:
    """The fields of the profile; empty when there is no such file or profile: the SDK reports that.

    Raises Usage for a file that cannot be parsed.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(access.config_file)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise Usage(f"OCI configuration {access.config_file}: {error}", "correct the file") from error
    if access.profile != "DEFAULT" and not parser.has_section(access.profile):
        return {}
    return {name: value.strip() for name, value in parser[access.profile].items()}


def provider_environment(site: Site) -> dict[str, str]:
    """What Terraform's environment needs so that its provider works with the site's profile.

    Raises Usage when `[terraform.environment]` says otherwise, and for a session token in another file than
    ~/.oci/config.
    """
    fields = read(site.cloud)
    wanted = _token(site.cloud) if _TOKEN in fields else _key(fields)
    if fields:
        _refuse_contradiction(site, wanted)
    return {f"TF_VAR_{name}": value for name, value in wanted.items()}


def refuse_other_region(access: CloudAccess, region: str) -> None:
    """Raise Usage when the profile's region is not the stack's: it must not look like a dead site.

    `region`: the stack's; empty when it is not known.
    """
    profile_region = read(access).get("region", "")
    if not region or not profile_region or full_region(profile_region) == region:
        return
    raise Usage(
        f"the stack's region is {region}, "
        f"and profile {access.profile} of {access.config_file} has {profile_region}",
        "make them the same: `region` of the stack's variables, or another profile in [oci] of the site",
    )


def _key(fields: Mapping[str, str]) -> dict[str, str]:
    named = {name: fields[field] for field, name in _ARGUMENTS.items() if fields.get(field)}
    if path := named.get("private_key_path"):
        named["private_key_path"] = str(Path(path).expanduser().absolute())
    return named


def _token(access: CloudAccess) -> dict[str, str]:
    """The provider reads session tokens by the profile's name, and of one file only."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".oci" / "config"
    if access.config_file.expanduser().absolute() != home:
        raise Usage(
            f"profile {access.profile} of {access.config_file} has a session token, which Terraform's "
            f"provider reads of {home} alone",
            f"put the profile into {home}, or use an API key",
        )
    return {"auth": "SecurityToken", "config_file_profile": access.profile}


def _refuse_contradiction(site: Site, wanted: Mapping[str, str]) -> None:
    """The site's own environment for Terraform must not name another identity than `[oci]` does."""
    profile = {"config_file_profile": site.cloud.profile, "config_file": str(site.cloud.config_file)}
    expected = {"auth": "ApiKey", **profile, **wanted}
    for variable, value in site.terraform.environment.items():
        name = variable.removeprefix("TF_VAR_").removeprefix("OCI_").lower()
        known = variable.startswith(("TF_VAR_", "OCI_")) and name in expected
        if known and _plain(name, value) != _plain(name, expected[name]):
            text = "another value" if name == "private_key_password" else repr(value)
            raise Usage(
                f"[terraform.environment] {variable} is {text}, and [oci] of {site.file} says otherwise: "
                f"profile {site.cloud.profile} of {site.cloud.config_file}",
                "leave it out: Terraform gets the profile of [oci]; or correct [oci]",
            )


def _plain(name: str, value: str) -> str:
    """What is compared: paths as they are meant, `auth` in whatever case."""
    if name in ("config_file", "private_key_path"):
        return str(Path(value).expanduser().absolute())
    return value.lower() if name == "auth" else value


def full_region(region: str) -> str:
    """A region's identifier; the file, and GetInstance for the oldest ones, may have its three-letter key."""
    if "-" in region:
        return region
    import oci  # noqa: PLC0415 - a second, for a spelling that few use

    return str(oci.regions.get_region_from_short_name(region))
