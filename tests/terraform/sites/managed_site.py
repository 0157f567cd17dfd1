"""A whole site whose stack lives in Resource Manager: no folder, no local state, everything by jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover.stack.resource_manager import RESTORE_TAG
from lab.client.api_process import ApiProcess
from lab.hardware.teardown import of_jobs
from lab.provider.process import ProviderProcess
from lab.site.stack import SOURCE
from lab.system.paths import RunDirectory
from tests.api.resource_manager_site import Stacks
from tests.terraform.doubles.hosts import HostsModel
from tests.terraform.sites.lab_cloud import LabCloud, serving
from tests.terraform.sites.whole_site import FIRST, WholeSite, invented

DEADLINES = (
    "boot = 60\npower = 60\nlaunch = 600\nswitch = 600\nhooks = 60\nclient = 60\napi = 60\ninterrupt = 300\n"
)


@dataclass
class ManagedSite(WholeSite):
    """The same site as WholeSite's, after its first apply in the console."""

    stacks: Stacks
    stack_id: str

    @property
    def variables(self) -> dict[str, str]:
        return self.stacks.client.get_stack(self.stack_id).data.variables

    def output(self) -> dict[str, Any]:
        """Output `failover` of the stack's state."""
        state = json.loads(self.stacks.client.get_stack_tf_state(self.stack_id).data.content)
        return state["outputs"]["failover"]["value"]

    def jobs(self) -> list[Any]:
        """The stack's jobs, oldest first."""
        return self.stacks.client.list_jobs(stack_id=self.stack_id).data

    def operations(self, since: int) -> list[str]:
        """The operations and ends of the jobs since a number of them."""
        return [f"{j.operation} {j.lifecycle_state}" for j in self.jobs()[since:]]

    def running(self) -> set[int]:
        """The processes of the jobs under way."""
        return of_jobs(RunDirectory.of(self.cloud.run))

    def assert_settled_on(self, target: str) -> None:
        self.assert_never_double()
        assert self.holders() == {name: [f"ATTACHED {target}"] for name in self.volumes}
        assert self.serving() == target
        assert self.output()["active"] == target
        stack = self.stacks.client.get_stack(self.stack_id).data
        assert stack.variables["active_server"] == target
        assert "launch" not in stack.variables
        assert RESTORE_TAG not in stack.freeform_tags


@contextmanager
def managed_site(folder: Path, service_ip: str | None = None) -> Iterator[ManagedSite]:
    """A lab and an applied stack of their own."""
    lab = folder / "lab"
    lab.mkdir()
    with serving(lab) as cloud:
        stacks = Stacks(ApiProcess(lab))
        try:
            yield _applied(folder, cloud, stacks, service_ip)
        finally:
            cloud.clear_faults()
            stacks.cancel_all()
            ProviderProcess(lab).stop()


def _applied(folder: Path, cloud: LabCloud, stacks: Stacks, service_ip: str | None) -> ManagedSite:
    first, volumes, variables = invented(cloud, service_ip)
    stack_id = stacks.create(stack_files(), {**as_texts(variables), "active_server": FIRST})
    job = stacks.apply(stack_id)
    assert job.lifecycle_state == "SUCCEEDED", f"{job.failure_details}\n{stacks.log(job.id)}"
    file = folder / "site.toml"
    file.write_text(site_text(folder, cloud, f'stack_id = "{stack_id}"'))
    model = HostsModel(folder, cloud.run / "cloud.db")
    model.start(FIRST, first)
    return ManagedSite(cloud, None, file, model, volumes, first, stacks, stack_id)  # type: ignore[arg-type]


def stack_files() -> dict[str, str]:
    """The stack as it is uploaded: the code, and a document in the place of the rendered one."""
    files = {file.name: file.read_text() for file in SOURCE.glob("*.tf")}
    return {**files, "rendered/user_data": "I2Nsb3VkLWNvbmZpZwo=\n"}


def as_texts(variables: dict[str, Any]) -> dict[str, str]:
    """Variables in Resource Manager's form."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()}


def site_text(folder: Path, cloud: LabCloud, terraform: str, deadlines: str = DEADLINES) -> str:
    """A site; where no answering host is put in its place, every host is silent."""
    (folder / "ssh_config").write_text("Host *\n  ProxyCommand false\n")
    (folder / "known_hosts").touch()
    return f"""
[terraform]
{terraform}
[oci]
config_file = "{cloud.run}/oci/config"
endpoint = "{cloud.endpoint}"
[ssh]
config_file = "ssh_config"
known_hosts = "known_hosts"
connect_seconds = 1
[deadlines]
{deadlines}
[[clients]]
name = "nfs-cli"
mounts = [{{ path = "/mnt/a", mount = "/mnt/nfs/a" }}]
"""
