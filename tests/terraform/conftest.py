"""One API without guests and one provider for all tests here; each site has its own volumes and state."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.provider.process import ProviderProcess
from lab.site.stack import site_variables
from tests.terraform.sites.lab_cloud import LabCloud, serving
from tests.terraform.sites.laid_stack import LaidStack, Variables

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPyZ8zVN0Y0d1s4lqGqTj2y3mQfT1oQb2mB0o8d5t1X operator@example"

LAST_OCTETS = itertools.count(100)  # of addresses that sites ask for; the API itself gives low ones
MakeSite = Callable[..., Variables]
MakeStack = Callable[[Variables], LaidStack]


@pytest.fixture(scope="session")
def cloud() -> Iterator[LabCloud]:
    with tempfile.TemporaryDirectory(prefix="nfsfo-tf-") as folder, serving(Path(folder)) as running:
        yield running


@pytest.fixture(scope="session")
def provider(cloud: LabCloud) -> Iterator[ProviderProcess]:
    process = ProviderProcess(cloud.run).start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def first_server(cloud: LabCloud) -> str:
    """OCID of the instance that the module's sites adopt as nfs-srv-1."""
    return cloud.launch("nfs-srv-1")


@pytest.fixture(scope="module")
def make_site(cloud: LabCloud, first_server: str) -> MakeSite:
    """Variables of a standard site whose nfs-srv-2 and volumes no other site has."""

    def make(volumes: tuple[str, ...] = ("bv1", "bv2"), server_id: str = first_server) -> Variables:
        site = site_variables(
            cloud.facts,
            server_id=server_id,
            image_id=cloud.facts["base_image_id"],
            volume_ids={name: cloud.volume(name) for name in volumes},
            ssh_authorized_keys=SSH_KEY,
        )
        site["servers"]["nfs-srv-2"].update(private_ip=f"10.0.0.{next(LAST_OCTETS)}")
        return site

    return make


@pytest.fixture(scope="module")
def make_stack(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> MakeStack:
    return lambda variables: LaidStack(tmp_path_factory.mktemp("site"), variables, provider)


@pytest.fixture(scope="module")
def fresh(make_site: MakeSite, make_stack: MakeStack) -> LaidStack:
    """A standard site without a state, for plans only."""
    return make_stack(make_site())
