"""The lab's API in a process of its own, without machines, and the real SDK pointed at it."""

import itertools
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import oci
import pytest

from lab.client.api_process import ApiProcess

PATIENCE_SECONDS = 10.0
GROUP = itertools.count(1)
models = oci.core.models


class Site:
    """One running lab and the shortest way to have things in it."""

    def __init__(self, api: ApiProcess) -> None:
        self.api = api

    @cached_property
    def compute(self) -> Any:
        return self.api.compute_client()

    @cached_property
    def block(self) -> Any:
        return self.api.block_client()

    @cached_property
    def network(self) -> Any:
        return self.api.network_client()

    @cached_property
    def identity(self) -> Any:
        return self.api.identity_client()

    @property
    def compartment(self) -> str:
        return self.api.facts()["compartment_id"]

    @property
    def domain(self) -> str:
        return self.api.facts()["availability_domains"][0]

    def launch_details(self, name: str, **fields: Any) -> Any:
        facts = self.api.facts()
        vnic = fields.pop("vnic", {})
        details: dict[str, Any] = {
            "availability_domain": self.domain,
            "compartment_id": facts["compartment_id"],
            "shape": "BM.Optimized3.36",
            "display_name": name,
            "create_vnic_details": models.CreateVnicDetails(subnet_id=facts["subnet_id"], **vnic),
            "source_details": models.InstanceSourceViaImageDetails(image_id=facts["base_image_id"]),
        }
        return models.LaunchInstanceDetails(**{**details, **fields})

    def launch(self, name: str | None = None, **fields: Any) -> Any:
        """A RUNNING instance."""
        details = self.launch_details(name or f"server-{next(GROUP)}", **fields)
        return self.settle(self.compute.get_instance, self.compute.launch_instance(details), "RUNNING")

    def volume(self, name: str = "bv1", domain: str | None = None) -> Any:
        """An AVAILABLE volume."""
        details = models.CreateVolumeDetails(
            availability_domain=domain or self.domain, compartment_id=self.compartment, display_name=name
        )
        return self.settle(self.block.get_volume, self.block.create_volume(details), "AVAILABLE")

    def begin_attach(self, volume: Any, instance: Any, **fields: Any) -> Any:
        details = models.AttachIScsiVolumeDetails(instance_id=instance.id, volume_id=volume.id, **fields)
        return self.compute.attach_volume(details)

    def attach(self, volume: Any, instance: Any) -> Any:
        """An ATTACHED attachment."""
        begun = self.begin_attach(volume, instance)
        return self.settle(self.compute.get_volume_attachment, begun, "ATTACHED")

    def settle(self, get: Any, response: Any, state: str) -> Any:
        """The resource of `response` when it has reached `state`; the SDK's waiter polls once a second."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            seen = get(response.data.id).data
            if seen.lifecycle_state == state:
                return seen
            assert time.monotonic() < deadline, f"{seen.id} stays {seen.lifecycle_state}, expected {state}"
            time.sleep(0.02)


def new_site(run: Path, **options: Any) -> Site:
    """A lab in `run`, started or started again."""
    return Site(ApiProcess(run).start(hardware="none", **options))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One lab for a whole module of tests, states changing at once."""
    site = new_site(tmp_path_factory.mktemp("lab"))
    yield site
    site.api.stop()


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A lab of the test's own, to break."""
    site = new_site(tmp_path / "lab")
    yield site
    site.api.stop()


@pytest.fixture
def refused() -> Any:
    """`with refused(409, "Conflict"):` the SDK must raise exactly that."""

    class Refused:
        def __init__(self, status: int, code: str, words: str = "") -> None:
            self.expected, self.words = (status, code), words

        def __enter__(self) -> None:
            return None

        def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
            assert isinstance(error, oci.exceptions.ServiceError), f"not refused: {error!r}"
            assert (error.status, error.code) == self.expected
            assert self.words in error.message
            assert error.headers["opc-request-id"]
            return True

    return Refused
