"""One profile for the SDK and Terraform's provider, and one region."""

from dataclasses import replace
from pathlib import Path

import pytest

from failover.cloud import profile as oci_profile
from failover.command.site_file import parse
from failover.model.outcome import Usage
from failover.model.site import Site

CONFIG = """
[DEFAULT]
user=ocid1.user.oc1..default
fingerprint=11:22
tenancy=ocid1.tenancy.oc1..lab
region=eu-frankfurt-1
key_file=~/keys/default.pem

[OPS]
user=ocid1.user.oc1..ops
fingerprint=33:44
key_file=/keys/ops.pem
region=ap-tokyo-1

[SHORT]
region=fra

[TOKEN]
security_token_file=/tokens/t
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def site(file: Path, profile: str = "OPS", **environment: str) -> Site:
    document = {
        "oci": {"config_file": str(file), "profile": profile},
        "terraform": {"environment": environment},
    }
    return parse(document, file.parent / "site.toml")


def test_the_provider_gets_the_fields_of_the_profile_and_no_key(file: Path) -> None:
    assert oci_profile.provider_environment(site(file)) == {
        "TF_VAR_tenancy_ocid": "ocid1.tenancy.oc1..lab",
        "TF_VAR_user_ocid": "ocid1.user.oc1..ops",
        "TF_VAR_fingerprint": "33:44",
        "TF_VAR_private_key_path": "/keys/ops.pem",
    }
    default = oci_profile.provider_environment(site(file, "DEFAULT"))
    assert default["TF_VAR_private_key_path"] == str(Path("~/keys/default.pem").expanduser())


def test_a_file_or_profile_that_is_not_there_is_the_sdk_s_to_tell(file: Path, tmp_path: Path) -> None:
    assert oci_profile.provider_environment(site(tmp_path / "none")) == {}
    assert oci_profile.provider_environment(site(file, "NONE")) == {}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TF_VAR_user_ocid", "ocid1.user.oc1..default"),
        ("OCI_FINGERPRINT", "11:22"),
        ("TF_VAR_config_file_profile", "DEFAULT"),
        ("OCI_CONFIG_FILE", "~/.oci/other"),
        ("TF_VAR_private_key_path", "/keys/default.pem"),
        ("TF_VAR_auth", "InstancePrincipal"),
    ],
)
def test_another_identity_for_terraform_is_a_contradiction(file: Path, variable: str, value: str) -> None:
    with pytest.raises(Usage, match=rf"\[terraform.environment\] {variable}.*profile OPS of"):
        oci_profile.provider_environment(site(file, **{variable: value}))


def test_the_same_said_twice_is_none(file: Path) -> None:
    same = {"TF_VAR_config_file_profile": "OPS", "OCI_CONFIG_FILE": str(file), "TF_VAR_auth": "APIKey"}
    assert oci_profile.provider_environment(site(file, **same))
    assert oci_profile.provider_environment(site(file, TF_LOG="debug", OCI_CLI_PROFILE="OTHER"))


def test_a_session_token_must_be_where_the_provider_reads_it(file: Path) -> None:
    with pytest.raises(Usage, match=r"session token, which Terraform's provider reads of .*/\.oci/config"):
        oci_profile.provider_environment(site(file, "TOKEN"))


@pytest.mark.parametrize(
    ("profile", "region"), [("OPS", "ap-tokyo-1"), ("SHORT", "eu-frankfurt-1"), ("OPS", "")]
)
def test_one_region_however_it_is_spelled(file: Path, profile: str, region: str) -> None:
    oci_profile.refuse_other_region(site(file, profile).cloud, region)


def test_two_regions_are_named(file: Path) -> None:
    with pytest.raises(Usage, match=r"region is eu-frankfurt-1, and profile OPS of .* has ap-tokyo-1"):
        oci_profile.refuse_other_region(site(file).cloud, "eu-frankfurt-1")


def test_a_file_that_is_no_ini_file_is_named(file: Path) -> None:
    file.write_text("[DEFAULT\nuser")
    with pytest.raises(Usage, match=str(file)):
        oci_profile.read(replace(site(file).cloud, profile="DEFAULT"))
