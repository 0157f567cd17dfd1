"""A failover through Resource Manager: the real flow, the SDK, the API's stacks and jobs, real Terraform.

The tests are steps of one site's life, in this order: each leaves it settled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from failover.command.request import Request, SiteChoice
from failover.command.site_file import load
from failover.model.outcome import Refused, Unknown
from failover.report.conclusions import left_to_do
from failover.report.journal_reader import read_run
from failover.runs import journal as journals
from failover.stack.resource_manager import RESTORE_TAG, ResourceManagerStack
from failover.verbs import failover, preflight
from tests import sources
from tests.api.resource_manager_site import models
from tests.paths import ROOT
from tests.terraform.flow.test_resume import await_met, other
from tests.terraform.sites.managed_site import ManagedSite, as_texts, managed_site, site_text, stack_files
from tests.terraform.sites.whole_site import FIRST, SECOND

pytestmark = pytest.mark.checked(sources.RUN)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedSite]:
    with managed_site(tmp_path_factory.mktemp("managed")) as made:
        yield made


def must_end_done(site: ManagedSite, target: str) -> str:
    report, said = site.fail_over(target)
    assert report.outcome.value in ("done", "nothing-to-do"), said
    site.assert_settled_on(target)
    return said


def test_1_a_failover_is_jobs_of_the_stack(site: ManagedSite) -> None:
    site.silence(FIRST)
    before = len(site.jobs())
    report, said = site.fail_over(SECOND)
    assert report.outcome.value == "done", said
    site.assert_settled_on(SECOND)
    assert site.operations(before) == [
        *("PLAN SUCCEEDED", "APPLY SUCCEEDED"),  # the launch
        *("PLAN SUCCEEDED", "APPLY SUCCEEDED"),  # the switch
        "PLAN SUCCEEDED",  # the verification's second plan
    ]
    applies = [j for j in site.jobs()[before:] if j.operation == "APPLY"]
    assert all(j.job_operation_details.execution_plan_strategy == "FROM_PLAN_JOB_ID" for j in applies)
    launch_plan = site.stacks.client.get_job(applies[0].resolved_plan_job_id).data
    assert launch_plan.variables["launch"] == '["nfs-srv-2"]'
    assert launch_plan.variables["active_server"] == FIRST
    assert "Resource Manager: apply job is IN_PROGRESS" in said
    assert 'oci_core_volume_attachment.data["bv1"]: Creation complete' in said  # its log, as it comes
    assert 'the plan: delete+create oci_core_volume_attachment.data["bv1"]' in said
    left = left_to_do(read_run(report.run, journals.read(report.folder)))
    assert not [line for line in left if "ommit" in line], "there is no file to commit"


def test_2_the_same_again_has_nothing_to_do(site: ManagedSite) -> None:
    before = len(site.jobs())
    report, said = site.fail_over(site.serving())
    assert report.outcome.value == "nothing-to-do", said
    assert site.operations(before) == ["PLAN SUCCEEDED"]


def test_3_the_flags_name_a_stack_that_the_site_does_not(site: ManagedSite, tmp_path: Path) -> None:
    plain = tmp_path / "site.toml"
    plain.write_text(site_text(tmp_path, site.cloud, ""))
    flags = ["--via", "resource-manager", "--stack-id", site.stack_id, "--site", str(plain), "--json"]
    # no host of this site is reached from here, so the holder's state is the operator's word
    for words in (
        ["plan", "--active", FIRST, "--unplanned"],
        ["verify"],
        ["preflight", "--no-terraform-plan"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *words, *flags],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        report = json.loads(done.stdout.splitlines()[-1])
        assert report["active"] == SECOND, done.stdout
        if words[0] == "plan":
            assert (done.returncode, report["outcome"]) == (0, "planned")


def test_4_preflight_looks_at_the_stack(site: ManagedSite) -> None:
    variables = site.variables
    found = {
        c.name: c for c in preflight.check(FIRST, SiteChoice(str(site.file)), terraform_plan=True).checks
    }
    assert found["terraform plan"].actual == "no changes"
    assert found["terraform lock"].actual == "free"
    assert site.variables == variables
    terraform = ResourceManagerStack(load(str(site.file)))
    assert terraform.file("rendered/user_data") == "I2Nsb3VkLWNvbmZpZwo=\n"
    assert terraform.file("rendered/none") is None


def test_5_somebody_else_s_job_is_waited_for_and_named(site: ManagedSite, tmp_path: Path) -> None:
    site.cloud.inject(operation="CreateJob", stuck=True)
    job = site.stacks.begin(site.stack_id, models.CreatePlanJobOperationDetails())
    short = tmp_path / "site.toml"
    short.write_text(
        site_text(tmp_path, site.cloud, f'stack_id = "{site.stack_id}"', "launch = 1\nswitch = 1\n")
    )
    with Path(os.devnull).open("w") as nowhere:
        request = Request(FIRST, SiteChoice(str(short)), yes=True)
        report = failover.fail_over(request, Console(file=nowhere))
    assert report.outcome.value == "refused"
    assert f"the stack is busy: PLAN job {job} ('job', ACCEPTED) of somebody since 20" in report.reason
    site.cloud.clear_faults()
    report, said = site.fail_over(site.serving())  # whatever has become of the job by now
    assert report.outcome.value == "nothing-to-do", said
    assert site.stacks.ended(job).lifecycle_state == "SUCCEEDED"


def test_6_a_plan_that_touches_anything_else_is_refused(site: ManagedSite) -> None:
    variables = site.variables
    volumes = json.loads(variables["volumes"])
    volumes["bv3"] = {"availability_domain": site.cloud.facts["availability_domains"][0], "size_in_gbs": 50}
    change(site, {**variables, "volumes": json.dumps(volumes)})
    site.silence(SECOND)
    report, said = site.fail_over(FIRST)
    assert report.outcome.value == "refused", said
    assert "would also create oci_core_volume" in report.reason
    assert "APPLY" not in site.operations(-1)[0]
    assert site.holders() == {name: [f"ATTACHED {SECOND}"] for name in site.volumes}
    assert site.variables == {**variables, "volumes": json.dumps(volumes)}
    change(site, variables)
    must_end_done(site, FIRST)


def change(site: ManagedSite, variables: dict[str, str]) -> None:
    site.stacks.client.update_stack(site.stack_id, models.UpdateStackDetails(variables=variables))


def test_7_a_job_that_fails_is_told_with_its_log_and_with_what_the_api_shows(site: ManagedSite) -> None:
    old = site.serving()
    site.silence(old)
    site.cloud.inject(
        operation="AttachVolume", status=400, code="LimitExceeded", message="too many of them", count=2
    )
    report, said = site.fail_over(other(old))
    assert report.outcome.value == "failed", said
    assert "too many of them" in report.reason
    assert f"(job {site.jobs()[-1].id})" in report.reason
    assert "by the API bv1 is not attached; bv2 is not attached" in report.reason
    assert site.operations(-1) == ["APPLY FAILED"]
    must_end_done(site, other(old))


def test_8_ctrl_c_cancels_the_job_and_says_what_is_left(site: ManagedSite) -> None:
    old = site.serving()
    site.silence(old)
    site.cloud.inject(operation="DetachVolume", delay=8.0, after=True, count=2)
    process = site.drive(other(old))
    await_met(site, "DetachVolume", 300)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 5, said
    assert "Traceback" not in said
    report = json.loads(said.splitlines()[-1])
    (operation,) = site.operations(-1)
    assert operation == "APPLY CANCELED", said
    assert f"interrupted: the apply job {site.jobs()[-1].id} was cancelled" in report["reason"]
    assert "by the API bv1 is not attached; bv2 is not attached" in report["reason"]
    must_end_done(site, other(old))


@pytest.mark.parametrize("also_the_job", [False, True], ids=["operator", "operator and job"])
def test_9_killed_in_the_middle_of_an_apply(site: ManagedSite, also_the_job: bool) -> None:
    """The attachments are made, their answers on the way, and nobody is left to hear them."""
    old = site.serving()
    site.silence(old)
    site.cloud.inject(operation="AttachVolume", delay=4.0, after=True, count=2)
    process = site.drive(other(old))
    await_met(site, "AttachVolume", 300)
    process.kill()
    process.communicate(timeout=20)
    if also_the_job:
        for pid in site.running():
            os.kill(pid, signal.SIGKILL)
    site.assert_never_double()
    before = len(site.jobs())
    said = must_end_done(site, other(old))
    if also_the_job:
        assert site.operations(before)[0] == "IMPORT_TF_STATE SUCCEEDED", said
        assert site.operations(before - 1)[0] == "APPLY FAILED"
    else:
        assert "waiting for APPLY job" in said
        assert site.operations(before - 1)[0] == "APPLY SUCCEEDED"


def test_a_variable_of_one_plan_is_put_back_by_the_next_run_after_a_crash(site: ManagedSite) -> None:
    """The operator died between the plan job's creation and its end."""
    active = site.serving()
    stack = site.stacks.client.get_stack(site.stack_id).data
    left = models.UpdateStackDetails(
        variables={**stack.variables, "launch": '["nfs-srv-1"]', "active_server": other(active)},
        freeform_tags={RESTORE_TAG: json.dumps({"launch": None, "active_server": active})},
    )
    site.stacks.client.update_stack(site.stack_id, left)
    with Path(os.devnull).open("w") as nowhere:
        request = Request(active, SiteChoice(str(site.file)), dry_run=True)
        failover.fail_over(request, Console(file=nowhere))
    assert site.variables["launch"] == '["nfs-srv-1"]', "a look changes nothing"
    said = must_end_done(site, active)
    assert "are put back" in said


def test_a_file_in_the_zip_that_overrides_the_stack_is_refused(site: ManagedSite, tmp_path: Path) -> None:
    """As a stack has it whose configuration comes from Git: only a commit switches that one."""
    files = {**stack_files(), "active.auto.tfvars": f'active_server = "{site.serving()}"\n'}
    variables = {k: v for k, v in site.variables.items() if k != "active_server"}
    stack_id = site.stacks.create(files, as_texts(variables))
    file = tmp_path / "site.toml"
    file.write_text(site_text(tmp_path, site.cloud, f'stack_id = "{stack_id}"'))
    terraform = ResourceManagerStack(load(str(file)))
    with pytest.raises(Refused, match=r"an \*\.auto\.tfvars file in its configuration overrides"):
        terraform.plan({"active_server": other(site.serving())})
    assert site.stacks.client.get_stack(stack_id).data.variables == variables


@pytest.mark.parametrize(
    ("operation", "status", "code"),
    [
        ("CreateJob", 401, "NotAuthenticated"),
        ("CreateJob", 404, "NotAuthorizedOrNotFound"),
        ("GetJob", 401, "NotAuthenticated"),
        ("UpdateStack", 404, "NotAuthorizedOrNotFound"),
        ("GetStack", 404, "NotAuthorizedOrNotFound"),
    ],
)
def test_an_answer_that_proves_nothing_is_unknown(
    site: ManagedSite, operation: str, status: int, code: str
) -> None:
    before = site.variables
    terraform = ResourceManagerStack(load(str(site.file)))
    site.cloud.inject(operation=operation, status=status, code=code, message="no")
    with pytest.raises(Unknown, match=f"HTTP {status} {code}"):
        terraform.plan({"launch": ["nfs-srv-2"]})
    site.cloud.clear_faults()
    assert site.variables == before


def test_a_lost_answer_to_create_job_makes_one_job(site: ManagedSite) -> None:
    before = len(site.jobs())
    site.cloud.inject(operation="CreateJob", after=True, drop=True)
    assert ResourceManagerStack(load(str(site.file))).plan().changes == ()
    assert [o.split()[0] for o in site.operations(before)] == ["PLAN"]


def test_the_record_of_who_is_active_is_the_stack_s_variable_and_a_checkout_that_is_named(
    site: ManagedSite, tmp_path: Path
) -> None:
    active, variables = site.serving(), site.variables
    (tmp_path / "tf").mkdir()
    (tmp_path / "tf" / "active.auto.tfvars").write_text(f'active_server = "{active}"\n')
    file = tmp_path / "site.toml"
    file.write_text(site_text(tmp_path, site.cloud, f'stack_id = "{site.stack_id}"\ndirectory = "tf"'))
    terraform = ResourceManagerStack(load(str(file)))
    site.cloud.inject(operation="UpdateStack", status=412, code="NoEtagMatch", message="changed meanwhile")
    terraform.write_active(other(active))
    assert site.variables == {**variables, "active_server": other(active)}
    assert other(active) in (tmp_path / "tf" / "active.auto.tfvars").read_text()
    assert terraform.active_file == tmp_path / "tf" / "active.auto.tfvars"
    terraform.write_active(active)
    assert site.variables == variables
