"""`invoke failover` and its steps on the real Terraform, SDK and API; no guests, so every host is silent."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oci
import pytest

from failover.act.context import Crew
from failover.act.fence import power_off
from failover.act.launch import launch
from failover.act.switch import switch
from failover.cloud.compute import Cloud
from failover.command import site_file as sites
from failover.hosts.hook_runner import Hosts
from failover.model.outcome import Refused
from failover.model.site import ClientMode
from failover.observe.observer import Observer
from failover.plan.model import Step, StepKind
from failover.ports import Ports
from failover.stack.terraform import TerraformStack
from lab.provider.process import ProviderProcess
from tests import sources
from tests.paths import ROOT
from tests.terraform.conftest import SSH_KEY, MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack
from tests.unit.failover.hosts.sshd import RELAY, sshd

pytestmark = pytest.mark.checked(sources.RUN)

TAG = "nfs-failover-server"


@dataclass
class World:
    """An applied site: nfs-srv-1 has bv1 and bv2, nfs-srv-2 does not exist."""

    cloud: LabCloud
    stack: LaidStack
    file: Path
    volumes: list[str]
    first: str

    def failover(self, *argv: str, **environment: str) -> tuple[int, dict[str, Any], str]:
        """`invoke failover` as a process of its own: exit code, report, all that it said."""
        command = [sys.executable, "-m", "invoke", "failover", "--json", "--site", str(self.file), *argv]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr

    def holders(self) -> set[str]:
        return {holder for volume in self.volumes for holder in self.cloud.holders(volume)}

    def tagged(self) -> list[str]:
        """The instances that carry nfs-srv-2's tag and are not terminated."""
        found = self.cloud.compute.list_instances(self.cloud.facts["compartment_id"]).data
        ours = [i for i in found if (i.freeform_tags or {}).get(TAG) == "nfs-srv-2"]
        return [i.id for i in ours if i.lifecycle_state != "TERMINATED"]

    def crew(self, target: str) -> Crew:
        """The steps of a run, for tests that do one of them."""
        site = sites.load(str(self.file))
        terraform = TerraformStack(site)
        cloud, hosts = Cloud(site.cloud), Hosts(site)
        ports = Ports(site, terraform, cloud, hosts, Observer(site, cloud, hosts))
        seen = ports.observer.observe(terraform.read(), target, ClientMode.REMOUNT)
        return Crew(ports, seen, ClientMode.REMOUNT)


@pytest.fixture
def world(
    make_site: MakeSite, make_stack: MakeStack, cloud: LabCloud, provider: ProviderProcess, tmp_path: Path
) -> Iterator[World]:
    first = cloud.launch("nfs-srv-1")
    variables = make_site(server_id=first)
    stack = make_stack(variables)
    stack.apply()
    file = tmp_path / "site.toml"
    with sshd(None) as nfs_cli:
        file.write_text(site_text(stack, cloud, provider, tmp_path, nfs_cli.port))
        made = World(cloud, stack, file, [v["volume_id"] for v in variables["volumes"].values()], first)
        yield made
    cloud.clear_faults()
    for instance_id in made.tagged():
        cloud.terminate(instance_id)


def site_text(
    stack: LaidStack, cloud: LabCloud, provider: ProviderProcess, folder: Path, nfs_cli: int = 0
) -> str:
    """A site whose servers are all silent: the way to them is a command that ends at once.

    The client answers on the port `nfs_cli` of this machine and lets nobody in: it is the witness.
    """
    (folder / "relay.py").write_text(RELAY)
    (folder / "way").write_text(
        f'case "$1" in nfs-cli) exec python3 {folder / "relay.py"} 127.0.0.1 {nfs_cli};; esac; exit 1\n'
    )
    (folder / "ssh_config").write_text(f"Host *\n  ProxyCommand sh {folder / 'way'} %h\n")
    (folder / "known_hosts").touch()
    environment = "\n".join(f"{k} = {json.dumps(v)}" for k, v in provider.environment().items())
    return f"""
[terraform]
directory = "{stack.folder}"
[terraform.environment]
{environment}
[oci]
config_file = "{cloud.run}/oci/config"
endpoint = "{cloud.endpoint}"
[ssh]
config_file = "ssh_config"
known_hosts = "known_hosts"
connect_seconds = 2
[deadlines]
boot = 2
power = 20
launch = 60
[[clients]]
name = "nfs-cli"
mounts = [{{ path = "/mnt/a", mount = "/mnt/nfs/a" }}]
"""


def test_what_is_wrong_with_the_command_is_said_in_a_line_with_its_remedy(world: World) -> None:
    code, report, _ = world.failover("--active", "nfs-srv-9")
    assert code == 2
    assert "'nfs-srv-9' is not a server" in report["reason"]
    assert "known servers: nfs-srv-1, nfs-srv-2" in report["remedy"]

    code, report, _ = world.failover("--active", "nfs-srv-2", "--clients", "hope")
    assert (code, report["outcome"]) == (2, "usage")
    assert "remount or reboot" in report["reason"]

    code, report, text = world.failover("--active", "nfs-srv-2")
    assert code == 2
    assert "add --yes" in report["remedy"]
    assert "launch nfs-srv-2" in text  # the plan was shown before anybody was asked

    empty = world.file.parent / "bin"
    empty.mkdir()
    code, report, _ = world.failover("--active", "nfs-srv-2", PATH=str(empty))
    assert code == 2
    assert "terraform is not on the PATH" in report["reason"]
    assert world.holders() == {world.first}


def test_a_dry_run_shows_the_plan_and_changes_nothing(world: World) -> None:
    before = len([r for r in world.cloud.requests() if r["method"] != "GET"])
    code, report, text = world.failover("--active", "nfs-srv-2", "--dry-run")
    assert code == 0
    for step in ("launch nfs-srv-2", "power-off nfs-srv-1", "switch nfs-srv-2", "take-over nfs-srv-2"):
        assert step in text
    assert report["run"] is None
    assert len([r for r in world.cloud.requests() if r["method"] != "GET"]) == before


def test_a_cloud_that_is_not_there_is_unknown(world: World) -> None:
    world.file.write_text(world.file.read_text().replace(world.cloud.endpoint, "http://127.0.0.1:9"))
    code, report, _ = world.failover("--active", "nfs-srv-2", "--yes")
    assert (code, report["outcome"]) == (5, "unknown")
    assert "does not answer" in report["reason"]


@pytest.mark.parametrize(("status", "code"), [(401, "NotAuthenticated"), (404, "NotAuthorizedOrNotFound")])
def test_an_answer_that_may_mean_not_authorized_is_unknown(world: World, status: int, code: str) -> None:
    world.cloud.inject(operation="GetInstance", status=status, code=code, message="no", count=20)
    exit_code, report, _ = world.failover("--active", "nfs-srv-2", "--yes")
    assert (exit_code, report["outcome"]) == (5, "unknown")
    assert f"HTTP {status}" in report["reason"]
    assert report["run"] is None
    assert world.holders() == {world.first}


def test_no_capacity_leaves_the_volumes_where_they_were_and_the_same_command_goes_on(world: World) -> None:
    # only the launch names sourceDetails; the capacity report before it still says AVAILABLE
    world.cloud.inject(
        operation="*",
        resource="sourceDetails",
        status=500,
        code="InternalError",
        message="Out of host capacity.",
        count=1,
    )
    code, report, _ = world.failover("--active", "nfs-srv-2", "--yes")
    assert (code, report["outcome"]) == (4, "failed")
    assert "Out of host capacity" in report["reason"]
    assert world.holders() == {world.first}
    journal = (world.file.parent / "runs" / report["run"] / "journal.jsonl").read_text()
    assert "step-failed" in journal

    code, report, _ = world.failover("--active", "nfs-srv-2", "--yes")
    assert [p["name"] for p in report["phases"]][-1] == "launch nfs-srv-2"
    assert (code, report["outcome"]) == (5, "unknown")  # it runs, but nobody there answers SSH
    assert "did not answer SSH" in report["reason"]
    assert world.holders() == {world.first}
    assert len(world.tagged()) == 1


def test_an_instance_that_a_killed_launch_left_behind_is_adopted_not_doubled(world: World) -> None:
    models = oci.core.models
    details = models.LaunchInstanceDetails(
        availability_domain=world.cloud.facts["availability_domains"][0],
        compartment_id=world.cloud.facts["compartment_id"],
        display_name="nfs-srv-2",
        shape="BM.Optimized3.36",
        source_details=models.InstanceSourceViaImageDetails(image_id=world.cloud.facts["base_image_id"]),
        create_vnic_details=models.CreateVnicDetails(
            subnet_id=world.cloud.facts["subnet_id"], assign_public_ip=False
        ),
        metadata={"ssh_authorized_keys": SSH_KEY},
        freeform_tags={TAG: "nfs-srv-2"},
    )
    left = world.cloud.compute.launch_instance(details).data.id
    crew = world.crew("nfs-srv-2")
    assert launch(crew, Step(StepKind.LAUNCH, "nfs-srv-2", "")) == f"instance {left}"
    assert world.tagged() == [left]


def test_the_switch_refuses_while_the_holder_is_not_fenced(world: World) -> None:
    crew = world.crew("nfs-srv-2")
    launch(crew, Step(StepKind.LAUNCH, "nfs-srv-2", ""))
    with pytest.raises(Refused, match="nfs-srv-1 holds a volume and is neither off nor has released it"):
        switch(crew, Step(StepKind.SWITCH, "nfs-srv-2", ""))
    assert world.holders() == {world.first}
    assert 'active_server = "nfs-srv-1"' in (world.stack.folder / "active.auto.tfvars").read_text()


def test_the_switch_takes_up_what_a_killed_apply_attached(world: World) -> None:
    """Terraform was killed after it had moved bv1 and before it wrote that down."""
    crew = world.crew("nfs-srv-2")
    launch(crew, Step(StepKind.LAUNCH, "nfs-srv-2", ""))
    (second,) = world.tagged()
    power_off(crew, Step(StepKind.POWER_OFF, "nfs-srv-1", ""))
    for attachment in world.cloud.compute.list_volume_attachments(
        world.cloud.facts["compartment_id"], volume_id=world.volumes[0]
    ).data:
        world.cloud.detach(attachment.id)
    moved = world.cloud.attach(world.volumes[0], second)
    switch(crew, Step(StepKind.SWITCH, "nfs-srv-2", ""))
    assert world.holders() == {second}
    output = world.stack.output()
    assert output["active"] == "nfs-srv-2"
    assert output["volumes"]["bv1"]["attachment_id"] == moved
    assert world.stack.is_settled()


def test_a_plan_that_touches_anything_else_is_refused_and_the_active_file_put_back(world: World) -> None:
    crew = world.crew("nfs-srv-2")
    launch(crew, Step(StepKind.LAUNCH, "nfs-srv-2", ""))
    power_off(crew, Step(StepKind.POWER_OFF, "nfs-srv-1", ""))
    domain = world.cloud.facts["availability_domains"][0]
    variables = json.loads((world.stack.folder / "site.auto.tfvars.json").read_text())
    variables["volumes"]["bv3"] = {"availability_domain": domain, "size_in_gbs": 50}
    world.stack.change_site(**variables)
    with pytest.raises(Refused, match=r"would also create oci_core_volume\."):
        switch(crew, Step(StepKind.SWITCH, "nfs-srv-2", ""))
    assert world.holders() == {world.first}
    assert 'active_server = "nfs-srv-1"' in (world.stack.folder / "active.auto.tfvars").read_text()
