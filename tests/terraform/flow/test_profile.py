"""One profile of one file for the SDK and for Terraform's provider, and one region for both."""

import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.cloud import profile
from failover.command.site_file import parse
from failover.model.outcome import Outcome
from lab.provider.process import ProviderProcess
from tests import sources
from tests.terraform.sites.lab_cloud import LabCloud, serving
from tests.terraform.sites.laid_stack import LaidStack
from tests.terraform.sites.whole_site import invented, whole_site

pytestmark = pytest.mark.checked(sources.SEEN)


class OperatorsProvider(ProviderProcess):
    """The stand-in in the environment that the product gives to Terraform."""

    given: dict[str, str] = {}  # noqa: RUF012 - set before it starts

    def _variables(self) -> dict[str, str]:
        return {**super()._variables(), **self.given}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCloud]:
    """A lab whose DEFAULT profile is somebody whom the API does not know; OPS, in another file, is known."""
    folder = tmp_path_factory.mktemp("lab")
    with serving(folder) as cloud:
        config = configparser.ConfigParser(interpolation=None)
        config.read(folder / "oci" / "config")
        ops = configparser.ConfigParser(interpolation=None, default_section="none")
        ops["OPS"] = dict(config["DEFAULT"])
        with (folder / "ops.config").open("w") as stream:
            ops.write(stream)
        config["DEFAULT"]["user"] = "ocid1.user.oc1..somebodyelse"
        with (folder / "oci" / "config").open("w") as stream:
            config.write(stream)
        yield cloud


@pytest.fixture(scope="module")
def site(lab: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaidStack]:
    provider = OperatorsProvider(lab.run).start()
    yield LaidStack(tmp_path_factory.mktemp("site"), invented(lab)[2], provider)
    provider.stop()


def restarted(site: LaidStack, lab: LabCloud, given: dict[str, str]) -> LaidStack:
    provider = OperatorsProvider(lab.run)
    provider.stop()
    provider.given = given
    site.use(provider.start())
    return site


def test_without_a_word_the_provider_takes_default(site: LaidStack, lab: LabCloud) -> None:
    assert "401-NotAuthenticated" in restarted(site, lab, {}).refusal()


def test_the_site_s_profile_reaches_the_provider(site: LaidStack, lab: LabCloud) -> None:
    document = {"oci": {"config_file": str(lab.run / "ops.config"), "profile": "OPS"}}
    given = profile.provider_environment(parse(document, lab.run / "site.toml"))
    assert restarted(site, lab, given).actions()


def test_a_profile_that_is_not_in_the_provider_s_file(site: LaidStack) -> None:
    """The argument config_file_profile chooses among the profiles of ~/.oci/config, and of no other file."""
    assert "configuration file did not contain profile: OPS" in site.refusal(config_file_profile="OPS")


def test_a_profile_of_another_region_is_usage_naming_both(tmp_path: Path) -> None:
    with whole_site(tmp_path) as whole:
        config = whole.cloud.run / "oci" / "config"
        config.write_text(config.read_text().replace("region=eu-frankfurt-1", "region=ap-tokyo-1"))
        report = whole.verify()
        assert report.outcome is Outcome.USAGE
        assert "region is eu-frankfurt-1" in report.reason
        assert "has ap-tokyo-1" in report.reason
