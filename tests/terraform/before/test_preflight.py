"""`invoke preflight` on the real Terraform, SDK and API: each check is seen to fail. Hosts are silent."""

import fcntl
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

from failover.command.request import SiteChoice
from failover.preflight.check import Check, CheckResult
from failover.runs import history
from failover.verbs import preflight
from failover.verbs.preflight import PreflightReport
from lab.provider.process import ProviderProcess
from tests import sources
from tests.paths import ROOT
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.flow.test_flow import site_text
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables
from tests.unit.failover.hosts.sshd import sshd

pytestmark = pytest.mark.checked(sources.RUN)

CHANGING = ("LaunchInstance", "InstanceAction", "AttachVolume", "DetachVolume", "CaptureConsoleHistory")


@dataclass
class Place:
    """An applied site: nfs-srv-1 has bv1 and bv2, nfs-srv-2 does not exist."""

    cloud: LabCloud
    stack: LaidStack
    file: Path
    variables: Variables
    first: str

    def look(self, target: str = "nfs-srv-2", terraform_plan: bool = False) -> PreflightReport:
        return preflight.check(target, SiteChoice(str(self.file)), terraform_plan)

    def invoke(self, verb_name: str, *argv: str) -> tuple[int, dict[str, Any], str]:
        """A verb as a process of its own: exit code, JSON of the last line, all that it said."""
        command = [sys.executable, "-m", "invoke", verb_name, "--json", "--site", str(self.file), *argv]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr

    def volume(self, name: str) -> str:
        return self.variables["volumes"][name]["volume_id"]

    def attachment(self, name: str) -> Any:
        facts = self.cloud.facts["compartment_id"]
        found = self.cloud.compute.list_volume_attachments(facts, volume_id=self.volume(name)).data
        return next(a for a in found if a.lifecycle_state == "ATTACHED")

    def with_launch(self, **changes: Any) -> None:
        """Change what nfs-srv-2 is launched with, and let the output tell of it."""
        servers = self.variables["servers"]
        self.stack.change_site(servers={**servers, "nfs-srv-2": {**servers["nfs-srv-2"], **changes}})
        refreshed = self.stack.run("apply", "-refresh-only", "-auto-approve")
        assert refreshed.returncode == 0, refreshed.stderr


@pytest.fixture(scope="module")
def applied(
    make_site: MakeSite,
    make_stack: MakeStack,
    cloud: LabCloud,
    provider: ProviderProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    first = cloud.launch("nfs-srv-1")
    variables = make_site(server_id=first)
    stack = make_stack(variables)
    stack.apply()
    folder = tmp_path_factory.mktemp("preflight")
    file = folder / "site.toml"
    with sshd(None) as nfs_cli:  # it answers, and lets nobody in: something of the site is reached from here
        file.write_text(site_text(stack, cloud, provider, folder, nfs_cli.port))
        yield Place(cloud, stack, file, variables, first)


@pytest.fixture
def place(applied: Place) -> Iterator[Place]:
    """The site as it was applied, without faults."""
    text = applied.file.read_text()
    yield applied
    applied.file.write_text(text)
    applied.cloud.clear_faults()


@pytest.fixture
def changed_launch(place: Place) -> Iterator[Place]:
    yield place
    place.with_launch()


def named(report: PreflightReport, name: str) -> Check:
    return next(c for c in report.checks if c.name == name)


def not_ok(report: PreflightReport) -> dict[str, CheckResult]:
    return {c.name: c.outcome for c in report.checks if c.outcome is not CheckResult.OK}


def test_it_exits_0_when_a_failover_would_work_and_changes_nothing(place: Place) -> None:
    before = len(place.cloud.requests())
    code, report, text = place.invoke("preflight")
    assert (code, report["outcome"]) == (0, "done"), text
    assert (report["active"], report["target"]) == ("nfs-srv-1", "nfs-srv-2")
    outcomes = {c["name"]: c["outcome"] for c in report["checks"]}
    assert set(outcomes.values()) == {"ok", "warning"}
    for name in (
        "OCI access",
        "call GetImage",
        "image",
        "capacity",
        "address",
        "volume bv1",
        "attachment bv2",
    ):
        assert outcomes[name] == "ok", name
    assert outcomes["terraform plan"] == outcomes["terraform lock"] == "ok"
    # nobody answers SSH here, and the lab keeps no backups: told, and no reason to refuse
    for name in ("active server", "clients", "metadata of vg1", "backup of bv1"):
        assert outcomes[name] == "warning", name
    assert all(c["remedy"] for c in report["checks"] if c["outcome"] != "ok")
    assert any("LaunchInstance: allow group <group> to manage instances" in u for u in report["untested"])
    calls = [r["operation"] for r in place.cloud.requests()[before:]]
    assert not set(calls) & set(CHANGING)
    assert calls.count("GetImage") == calls.count("GetSubnet") == 1, "each read is asked once"
    entry = history.read(place.file.parent / "runs").latest(history.Kind.PREFLIGHT)
    assert entry is not None
    assert (entry.outcome, entry.facts["target"], entry.facts["blocking"]) == ("done", "nfs-srv-2", [])


def test_it_says_all_that_is_wrong_at_once(place: Place) -> None:
    place.cloud.inject(operation="LaunchInstance", status=500, message="Out of host capacity.", count=0)
    place.cloud.inject(
        operation="GetVolume", status=404, code="NotAuthorizedOrNotFound", message="no", count=0
    )
    code, report, text = place.invoke("preflight", "--no-terraform-plan", "--active", "nfs-srv-2")
    assert (code, report["outcome"]) == (3, "refused")
    outcomes = {c["name"]: c["outcome"] for c in report["checks"]}
    assert (outcomes["capacity"], outcomes["call GetVolume"]) == ("blocking", "unknown")
    assert "terraform plan" not in outcomes
    assert "would NOT work now" in text


@pytest.mark.parametrize(
    ("operation", "statement"),
    [
        ("ListInstances", "to read instances in compartment id ocid1."),
        ("GetInstance", "to read instances in"),
        ("ListVolumeAttachments", "to inspect volume-attachments in"),
        ("GetVolume", "to inspect volumes in"),
        ("GetImage", "to read instance-images in"),
        ("GetSubnet", "to use subnets in"),
    ],
)
def test_a_404_that_may_be_a_missing_policy_is_unknown_and_names_it(
    place: Place, operation: str, statement: str
) -> None:
    place.cloud.inject(operation=operation, status=404, code="NotAuthorizedOrNotFound", message="no", count=0)
    report = place.look()
    assert report.outcome.exit_code == 5
    check = named(report, f"call {operation}")
    assert check.outcome is CheckResult.UNKNOWN
    assert "HTTP 404" in check.actual
    assert f"allow group <group> {statement}" in check.remedy
    assert named(report, "OCI access").outcome is CheckResult.OK


def test_a_key_that_is_not_accepted_is_unknown(place: Place) -> None:
    place.cloud.inject(operation="*", status=401, code="NotAuthenticated", message="no", count=0)
    report = place.look()
    assert report.outcome.exit_code == 5
    assert named(report, "OCI access").outcome is CheckResult.UNKNOWN
    assert "clock" in named(report, "OCI access").remedy
    assert CheckResult.OK not in {c.outcome for c in report.checks if c.name.startswith("call")}


def test_calls_that_a_run_does_not_need_only_warn(place: Place) -> None:
    for operation in ("CreateComputeCapacityReport", "ListPrivateIps"):
        place.cloud.inject(operation=operation, status=404, code="NotAuthorizedOrNotFound", count=0)
    report = place.look()
    assert report.outcome.exit_code == 0
    assert "manage compute-capacity-reports in tenancy" in named(report, "capacity").remedy
    assert named(report, "capacity").outcome is named(report, "address").outcome is CheckResult.WARNING


def test_an_api_that_does_not_answer_is_unknown_within_the_deadline(place: Place) -> None:
    place.cloud.inject(operation="GetImage", drop=True, count=0)
    report = place.look()
    assert named(report, "call GetImage").outcome is CheckResult.UNKNOWN
    assert report.seconds < 60


def test_an_oci_configuration_without_its_key(place: Place) -> None:
    config = place.file.parent / "config"
    config.write_text((place.cloud.run / "oci" / "config").read_text() + "\nkey_file=/nowhere/key.pem\n")
    lines = [x for x in config.read_text().splitlines() if not x.startswith("key_file") or "nowhere" in x]
    config.write_text("\n".join(lines) + "\n")
    text = place.file.read_text().replace(f"{place.cloud.run}/oci/config", str(config))
    place.file.write_text(text)
    report = place.look()
    assert report.outcome.exit_code == 2
    assert "key_file" in report.reason
    assert report.remedy


def test_a_deleted_image(changed_launch: Place) -> None:
    place = changed_launch
    details = oci.core.models.CreateImageDetails(
        compartment_id=place.cloud.facts["compartment_id"], instance_id=place.first
    )
    image = place.cloud.compute.create_image(details).data.id
    place.cloud._until(lambda: place.cloud.compute.get_image(image).data, "AVAILABLE")
    place.with_launch(image_id=image)
    assert named(place.look(), "image").outcome is CheckResult.OK
    place.cloud.compute.delete_image(image)
    place.cloud._until(lambda: place.cloud.compute.get_image(image).data, "DELETED")
    report = place.look()
    assert report.outcome.exit_code == 3
    assert named(report, "image").outcome is CheckResult.BLOCKING
    assert "DELETED" in named(report, "image").actual


def test_an_image_named_since_the_last_apply_is_the_one_that_is_judged(changed_launch: Place) -> None:
    servers = changed_launch.variables["servers"]
    missing = f"{servers['nfs-srv-2']['image_id']}missing"
    changed_launch.stack.change_site(
        servers={**servers, "nfs-srv-2": {**servers["nfs-srv-2"], "image_id": missing}}
    )
    report = changed_launch.look()
    assert report.outcome.exit_code != 0
    assert missing in named(report, "image").actual + named(report, "image").remedy


def test_an_old_image_is_a_warning(place: Place) -> None:
    place.file.write_text(place.file.read_text() + "[preflight]\nimage_age_days = 0.0000001\n")
    check = named(place.look(), "image")
    assert check.outcome is CheckResult.WARNING
    assert "run `invoke image`" in check.remedy


def test_a_shape_that_is_not_offered(changed_launch: Place) -> None:
    changed_launch.with_launch(shape="BM.Standard.Z9")
    check = named(changed_launch.look(), "capacity")
    assert check.outcome is CheckResult.BLOCKING
    assert "HARDWARE_NOT_SUPPORTED" in check.actual


@pytest.mark.parametrize("address", ["10.0.0.1", "10.99.0.7"])
def test_an_address_that_the_subnet_does_not_give(changed_launch: Place, address: str) -> None:
    changed_launch.with_launch(private_ip=address)
    check = named(changed_launch.look(), "address")
    assert check.outcome is CheckResult.BLOCKING
    assert f"{address} is not a usable address" in check.actual


def test_an_address_that_somebody_has(changed_launch: Place) -> None:
    changed_launch.with_launch(private_ip=changed_launch.cloud.address(changed_launch.first))
    check = named(changed_launch.look(), "address")
    assert check.outcome is CheckResult.BLOCKING
    assert "is taken" in check.actual


def test_the_target_in_another_availability_domain_than_the_volumes(changed_launch: Place) -> None:
    changed_launch.with_launch(availability_domain=changed_launch.cloud.facts["availability_domains"][1])
    report = changed_launch.look()
    assert report.outcome.exit_code == 3
    assert named(report, "volume bv1").outcome is named(report, "volume bv2").outcome is CheckResult.BLOCKING
    assert "choose a server there" in named(report, "volume bv1").remedy


def test_a_volume_detached_behind_terraforms_back_and_given_to_a_stranger(place: Place) -> None:
    place.cloud.detach(place.attachment("bv1").id)
    report = place.look(terraform_plan=True)
    assert named(report, "attachment bv1").outcome is CheckResult.WARNING
    assert named(report, "attachment bv1").actual == "not attached"
    plan = named(report, "terraform plan")
    assert plan.outcome is CheckResult.WARNING  # a failover attaches it
    assert 'create oci_core_volume_attachment.data["bv1"]' in plan.actual
    assert named(report, "attachment bv2").outcome is CheckResult.OK

    taken = place.cloud.attach(place.volume("bv1"), place.cloud.launch("stranger"))
    report = place.look()
    assert report.outcome.exit_code == 3
    assert named(report, "attachment bv1").outcome is CheckResult.BLOCKING
    assert "no server of this stack" in named(report, "attachment bv1").actual
    place.cloud.detach(taken)
    place.stack.apply()
    assert "attachment bv1" not in not_ok(place.look())


def test_a_change_that_is_none_of_a_failovers(place: Place) -> None:
    domain = place.cloud.facts["availability_domains"][0]
    volumes = {**place.variables["volumes"], "bv3": {"availability_domain": domain, "size_in_gbs": 50}}
    place.stack.change_site(volumes=volumes)
    report = place.look(terraform_plan=True)
    place.stack.change_site(**place.variables)
    assert report.outcome.exit_code == 3
    assert "create oci_core_volume.data" in named(report, "terraform plan").actual


def test_a_locked_state(place: Place) -> None:
    with (place.stack.folder / "terraform.tfstate").open("r+") as state:
        fcntl.lockf(state, fcntl.LOCK_EX)
        # another process must look: a process is never in its own way (fcntl(2))
        code, report, _ = place.invoke("preflight")
    checks = {c["name"]: c for c in report["checks"]}
    assert code == 3
    assert checks["terraform lock"]["outcome"] == checks["terraform plan"]["outcome"] == "blocking"
    assert f"process {os.getpid()}" in checks["terraform lock"]["actual"]


def test_no_rendered_document(place: Place) -> None:
    file = place.stack.folder / "rendered" / "user_data"
    kept = file.read_text()
    file.unlink()
    report = place.look()
    file.write_text(kept)
    assert named(report, "cloud-init").outcome is CheckResult.BLOCKING
    assert named(report, "cloud-init").remedy == "run `invoke render`"


def test_a_state_that_tells_nothing_of_launches_is_a_warning(place: Place) -> None:
    state = place.stack.folder / "terraform.tfstate"
    kept = state.read_text()
    document = json.loads(kept)
    for server in document["outputs"]["failover"]["value"]["servers"].values():
        del server["launch"]
    for kind in document["outputs"]["failover"]["type"][1]["servers"][1].values():
        del kind[1]["launch"]
    state.write_text(json.dumps(document))
    report = place.look()
    state.write_text(kept)
    assert report.outcome.exit_code == 0, not_ok(report)
    assert "apply -refresh-only" in named(report, "image").remedy


def test_a_failover_is_refused_before_anything_is_touched(place: Place) -> None:
    place.cloud.inject(operation="LaunchInstance", status=500, message="Out of host capacity.", count=0)
    before = len(place.cloud.requests())
    code, report, _ = place.invoke("failover", "--active", "nfs-srv-2", "--yes")
    assert (code, report["outcome"]) == (3, "refused")
    assert "capacity: BM.Optimized3.36 in " in report["reason"]
    assert "launch a standby" in report["remedy"]
    assert report["run"] is None
    assert not {r["operation"] for r in place.cloud.requests()[before:]} & set(CHANGING)


def test_a_failover_whose_image_cannot_be_read_is_unknown(place: Place) -> None:
    place.cloud.inject(
        operation="GetImage", status=404, code="NotAuthorizedOrNotFound", message="no", count=0
    )
    code, report, _ = place.invoke("failover", "--active", "nfs-srv-2", "--yes")
    assert (code, report["outcome"]) == (5, "unknown")
    assert "to read instance-images in" in report["remedy"]
    assert report["run"] is None


def test_a_standby_that_runs_needs_no_image_and_no_host(place: Place) -> None:
    place.stack.apply(launch='["nfs-srv-2"]')
    second = place.stack.output()["servers"]["nfs-srv-2"]["instance_id"]
    try:
        place.cloud.inject(operation="LaunchInstance", status=500, message="Out of host capacity.", count=0)
        report = place.look()
        assert report.outcome.exit_code == 0, not_ok(report)
        for name in ("image", "capacity", "address"):
            assert named(report, name).actual == "nfs-srv-2 exists already"
        assert "host key" in named(report, "target over SSH").actual

        report = place.look("nfs-srv-1")
        assert named(report, "target over SSH").outcome is CheckResult.BLOCKING  # adopted, RUNNING, silent
    finally:
        place.cloud.clear_faults()
        place.cloud.terminate(second)
    report = place.look()
    assert named(report, "target").outcome is CheckResult.OK  # the failover launches another one
    assert "is TERMINATED and is launched again" in named(report, "target").actual
    for name in ("image", "capacity", "address"):  # so what it is launched with is looked at
        assert named(report, name).actual != "nfs-srv-2 exists already"
