"""Resource Manager's stacks and jobs through the real SDK, on real Terraform."""

import base64
import io
import json
import os
import shutil
import signal
import zipfile
from contextlib import suppress

import pytest

from lab.api.resource_manager.stack_source import LARGEST_BYTES
from lab.client.api_process import ApiProcess
from lab.hardware.teardown import of_jobs, processes, take_down
from lab.provider.process import ProviderProcess
from lab.site.stack import SOURCE, site_variables
from lab.system.paths import RunDirectory
from tests import sources
from tests.api.conftest import Site, new_site
from tests.api.resource_manager_site import Stacks, apply_details, models, packed, packed_folder
from tests.terraform.conftest import SSH_KEY

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform")

SMALL = """
variable "word" { type = string }
variable "list" {
  type    = list(string)
  default = []
}
variable "region" { type = string }
variable "tenancy_ocid" { type = string }
variable "compartment_ocid" { type = string }
variable "current_user_ocid" { type = string }
resource "terraform_data" "kept" { input = var.word }
output "word" { value = terraform_data.kept.output }
output "given" { value = [var.region, var.tenancy_ocid, var.compartment_ocid, var.current_user_ocid] }
output "list" { value = var.list }
output "hidden" {
  value     = "${var.word}-secret"
  sensitive = true
}
"""
LOOK_UP = """
terraform {
  required_providers {
    oci = { source = "oracle/oci" }
  }
}
variable "region" { type = string }
provider "oci" { region = var.region }
variable "compartment_ocid" { type = string }
data "oci_core_instances" "all" { compartment_id = var.compartment_ocid }
output "names" { value = sort(data.oci_core_instances.all.instances[*].display_name) }
"""
# the first one sleeps when it is asked to, and the second one comes after it
SLOW = """
variable "seconds" {
  type    = string
  default = "20"
}
resource "terraform_data" "first" {
  provisioner "local-exec" { command = "sleep ${var.seconds}" }
}
resource "terraform_data" "second" { input = terraform_data.first.id }
"""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    made = Stacks(new_site(tmp_path_factory.mktemp("lab")).api)
    yield made
    made.stop()


@pytest.fixture
def own(tmp_path):
    """A lab of the test's own, to break."""
    made = Stacks(new_site(tmp_path / "lab").api)
    yield made
    take_down(made.api.run)
    ProviderProcess(made.api.run).stop()


@pytest.mark.checked(sources.api("CreateJob, ListJobOutputs"))
def test_plan_apply_and_outputs_of_a_small_stack(stacks):
    stack = stacks.create({"main.tf": SMALL}, {"word": "one", "list": '["a", "b"]'})
    begun = stacks.begin(stack, models.CreatePlanJobOperationDetails())
    assert stacks.client.get_job(begun).data.lifecycle_state in ("ACCEPTED", "IN_PROGRESS")
    plan = stacks.ended(begun)
    assert (plan.lifecycle_state, plan.operation, plan.variables["word"]) == ("SUCCEEDED", "PLAN", "one")
    assert isinstance(plan.job_operation_details, models.PlanJobOperationDetails)
    assert plan.time_finished >= plan.time_created
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in stacks.log(begun)
    shown = json.loads(stacks.client.get_job_tf_plan(begun, tf_plan_format="JSON").data.content)
    actions = {c["address"]: c["change"]["actions"] for c in shown["resource_changes"]}
    assert actions == {"terraform_data.kept": ["create"]}
    assert stacks.client.get_job_tf_plan(begun).data.content[:2] == b"PK"
    assert stacks.client.list_job_outputs(begun).data.items == []

    apply = stacks.apply(stack, "FROM_PLAN_JOB_ID", begun)
    assert (apply.lifecycle_state, apply.resolved_plan_job_id) == ("SUCCEEDED", begun)
    outputs = {o.output_name: o for o in stacks.client.list_job_outputs(apply.id).data.items}
    facts = stacks.api.facts()
    assert outputs["word"].output_value == "one"
    assert json.loads(outputs["list"].output_value) == ["a", "b"]
    given = [facts["region"], facts["tenancy_id"], facts["compartment_id"], facts["user_id"]]
    assert json.loads(outputs["given"].output_value) == given
    assert (outputs["hidden"].is_sensitive, outputs["hidden"].output_value) == (True, None)
    state = json.loads(stacks.client.get_stack_tf_state(stack).data.content)
    assert state["outputs"]["word"]["value"] == "one"
    assert json.loads(stacks.client.get_job_tf_state(apply.id).data.content) == state
    assert stacks.plan(stack).lifecycle_state == "SUCCEEDED"
    newest = stacks.client.list_jobs(stack_id=stack, sort_by="TIMECREATED", sort_order="DESC", limit=1).data
    assert "No changes." in stacks.log(newest[0].id)


@pytest.mark.checked(sources.TERRAFORM)
def test_a_file_in_the_zip_overrides_the_variable_of_the_stack(stacks):
    stack = stacks.create({"main.tf": SMALL, "active.auto.tfvars": 'word = "file"\n'}, {"word": "form"})
    apply = stacks.apply(stack)
    values = {o.output_name: o.output_value for o in stacks.client.list_job_outputs(apply.id).data.items}
    assert values["word"] == "file"


@pytest.mark.own_rule
def test_a_configuration_in_a_folder_of_the_zip_looks_at_the_lab_s_cloud(stacks):
    stack = stacks.create({"deep/main.tf": LOOK_UP, "readme": ""}, working_directory="deep")
    apply = stacks.apply(stack)
    (output,) = stacks.client.list_job_outputs(apply.id).data.items
    assert json.loads(output.output_value) == []


@pytest.mark.checked(sources.api("UpdateStack"))
def test_new_variables_and_a_new_zip_are_for_later_jobs(stacks):
    stack = stacks.create({"main.tf": SMALL}, {"word": "one"})
    plan = stacks.plan(stack)
    seen = stacks.client.get_stack(stack)
    update = models.UpdateStackDetails(variables={"word": "two"}, freeform_tags={"a": "b"})
    stacks.client.update_stack(stack, update, if_match=seen.headers["etag"])
    assert stacks.apply(stack, "FROM_PLAN_JOB_ID", plan.id).variables == {"word": "one"}
    assert state_of(stacks, stack)["outputs"]["word"]["value"] == "one"
    assert stacks.apply(stack).variables == {"word": "two"}
    assert state_of(stacks, stack)["outputs"]["word"]["value"] == "two"
    source = models.UpdateZipUploadConfigSourceDetails(
        zip_file_base64_encoded=packed({"main.tf": SMALL.replace("-secret", "-new")})
    )
    stacks.client.update_stack(stack, models.UpdateStackDetails(config_source=source))
    content = stacks.client.get_stack_tf_config(stack).data.content
    assert "-new" in zipfile.ZipFile(io.BytesIO(content)).read("main.tf").decode()
    assert stacks.client.get_stack(stack).data.variables == {"word": "two"}
    stacks.apply(stack, "FROM_LATEST_PLAN_JOB")  # the plan of the first state: Terraform finds it stale
    (newest,) = stacks.client.list_jobs(stack_id=stack, sort_by="TIMECREATED", limit=1).data
    assert newest.lifecycle_state == "FAILED"
    assert "Saved plan is stale" in stacks.log(newest.id)


def state_of(stacks, stack):
    return json.loads(stacks.client.get_stack_tf_state(stack).data.content)


@pytest.mark.checked(sources.api("Job, failureDetails"))
def test_a_job_that_fails_says_why(stacks):
    stack = stacks.create({"main.tf": SMALL})
    job = stacks.plan(stack)
    assert job.lifecycle_state == "FAILED"
    assert job.failure_details.code == "TERRAFORM_EXECUTION_ERROR"
    assert "No value for required variable" in stacks.log(job.id)
    lines = stacks.client.get_job_logs(job.id, limit=2)
    assert len(lines.data) == 2
    assert lines.has_next_page
    assert (lines.data[0].type, lines.data[0].level) == ("TERRAFORM_CONSOLE", "INFO")


@pytest.mark.checked(sources.page("API/References/apierrors.htm"))
def test_what_is_no_stack_and_no_job(stacks, refused):
    with refused(400, "InvalidParameter", "no .tf file in its working directory 'sub'"):
        stacks.create({"main.tf": SMALL}, working_directory="sub")
    with refused(400, "InvalidParameter", "not a zip"):
        stacks.create(base64.b64encode(b"text").decode())
    with refused(400, "InvalidParameter", "more than 11534336"):
        stacks.create(base64.b64encode(bytes(LARGEST_BYTES + 1)).decode())
    with refused(400, "InvalidParameter", "outside of itself"):
        stacks.create({"main.tf": SMALL, "../evil": ""})
    with refused(400, "InvalidParameter", "neither a .terraform directory nor a state"):
        stacks.create({"main.tf": SMALL, "terraform.tfstate": "{}"})
    with refused(400, "InvalidParameter", "more than 8192 bytes"):
        stacks.create({"main.tf": SMALL}, {"word": "x" * 8193})
    with refused(501, "NotImplemented", "terraformVersion"):
        stacks.create({"main.tf": SMALL}, terraform_version="0.12.x")
    stack = stacks.create({"main.tf": SMALL}, {"word": "one"})
    with refused(404, "NotAuthorizedOrNotFound"):
        stacks.client.get_stack_tf_state(stack)
    with refused(501, "NotImplemented", "DESTROY"):
        stacks.begin(stack, models.CreateDestroyJobOperationDetails(execution_plan_strategy="AUTO_APPROVED"))
    with refused(501, "NotImplemented", "parallelism"):
        options = models.TerraformAdvancedOptions(parallelism=3)
        stacks.begin(stack, models.CreatePlanJobOperationDetails(terraform_advanced_options=options))
    with refused(404, "NotAuthorizedOrNotFound", "a plan job"):
        stacks.begin(stack, apply_details("FROM_LATEST_PLAN_JOB"))
    with refused(501, "NotImplemented", "detectDrift"):
        stacks.client.detect_stack_drift(stack)
    assert stacks.client.list_jobs(stack_id=stack).data == []
    stacks.client.delete_stack(stack)
    with refused(404, "NotAuthorizedOrNotFound"):
        stacks.begin(stack, models.CreatePlanJobOperationDetails())
    names = [
        s.id for s in stacks.client.list_stacks(compartment_id=stacks.api.facts()["compartment_id"]).data
    ]
    assert stack not in names


@pytest.mark.checked(sources.api("CreateImportTfStateJobOperationDetails"))
def test_an_imported_state_takes_the_place_of_the_stack_s(stacks, refused):
    stack = stacks.create({"main.tf": SMALL}, {"word": "one"})
    stacks.apply(stack)
    state = state_of(stacks, stack)
    state["serial"] += 1
    state["resources"] = []
    encoded = base64.b64encode(json.dumps(state).encode()).decode()
    details = models.CreateImportTfStateJobOperationDetails(tf_state_base64_encoded=encoded)
    job = stacks.ended(stacks.begin(stack, details))
    assert (job.operation, job.lifecycle_state) == ("IMPORT_TF_STATE", "SUCCEEDED")
    assert state_of(stacks, stack)["resources"] == []
    assert "1 to add" in stacks.log(stacks.plan(stack).id)
    with refused(400, "InvalidParameter", "not a state"):
        bad = models.CreateImportTfStateJobOperationDetails(tf_state_base64_encoded="e30=")
        stacks.begin(stack, bad)


@pytest.mark.checked(sources.api("CreateJob"))
def test_one_job_of_a_stack_at_a_time(stacks, refused):
    slow, other = stacks.create({"main.tf": SLOW}), stacks.create({"main.tf": SMALL}, {"word": "one"})
    job = stacks.begin(slow, apply_details("AUTO_APPROVED"))
    with refused(409, "Conflict", job):
        stacks.begin(slow, models.CreatePlanJobOperationDetails())
    with refused(409, "IncorrectState", job):
        stacks.client.delete_stack(slow)
    assert stacks.plan(other).lifecycle_state == "SUCCEEDED"
    stacks.await_log(job, "terraform_data.first: Creating...")
    stacks.client.cancel_job(job, is_forced=True)
    assert stacks.ended(job).lifecycle_state == "CANCELED"
    assert stacks.plan(slow).lifecycle_state == "SUCCEEDED"


@pytest.mark.checked(sources.api("CancelJob"))
def test_a_cancelled_job_interrupts_terraform_which_writes_its_state(stacks, refused):
    stack = stacks.create({"main.tf": SLOW}, {"seconds": "2"})
    job = stacks.begin(stack, apply_details("AUTO_APPROVED"))
    stacks.await_log(job, "terraform_data.first: Creating...")
    stacks.client.cancel_job(job)
    assert stacks.client.get_job(job).data.lifecycle_state == "CANCELING"
    ended = stacks.ended(job)
    assert (ended.lifecycle_state, ended.cancellation_details.is_forced) == ("CANCELED", False)
    assert "Interrupt received." in stacks.log(job)
    names = [r["name"] for r in state_of(stacks, stack)["resources"]]
    assert "second" not in names
    with refused(409, "IncorrectState", "CANCELED"):
        stacks.client.cancel_job(job)


@pytest.mark.checked(sources.api("CancelJob"))
def test_a_job_cancelled_before_it_began_does_nothing(stacks):
    stack = stacks.create({"main.tf": SMALL}, {"word": "one"})
    stacks.api.inject("CreateJob", stuck=True)
    job = stacks.begin(stack, apply_details("AUTO_APPROVED"))
    assert stacks.client.get_job(job).data.lifecycle_state == "ACCEPTED"
    stacks.client.cancel_job(job)
    assert stacks.client.get_job(job).data.lifecycle_state == "CANCELED"
    stacks.api.control("DELETE", "faults")
    assert stacks.plan(stack).lifecycle_state == "SUCCEEDED"
    assert stacks.log(job) == ""


@pytest.mark.checked(sources.api("CancelJob"))
def test_a_cancellation_that_comes_too_late_changes_nothing(stacks):
    """The last operation of an apply is under way: it is let end, and then all has been done."""
    stack = stacks.create(
        {"main.tf": SLOW.partition('resource "terraform_data" "second"')[0]}, {"seconds": "1"}
    )
    job = stacks.begin(stack, apply_details("AUTO_APPROVED"))
    stacks.await_log(job, "terraform_data.first: Creating...")
    stacks.client.cancel_job(job)
    ended = stacks.ended(job)
    made = [
        r["name"] for r in state_of(stacks, stack)["resources"] if r["instances"][0].get("status") is None
    ]
    assert (ended.lifecycle_state == "SUCCEEDED") == (made == ["first"])


@pytest.mark.own_rule
def test_a_job_outlives_the_api_and_is_told_truly(own):
    stack = own.create({"main.tf": SLOW}, {"seconds": "1"})
    job = own.begin(stack, apply_details("AUTO_APPROVED"))
    own.await_log(job, "terraform_data.first: Creating...")
    own.api.kill()
    again = Stacks(Site(ApiProcess(own.api.run).start(hardware="none")).api)
    assert again.ended(job).lifecycle_state == "SUCCEEDED"
    assert again.plan(stack).lifecycle_state == "SUCCEEDED"


@pytest.mark.own_rule
def test_a_job_accepted_before_the_api_died_runs_afterwards(own):
    stack = own.create({"main.tf": SMALL}, {"word": "one"})
    own.api.inject("CreateJob", stuck=True)
    job = own.begin(stack, apply_details("AUTO_APPROVED"))
    own.api.kill()
    again = Stacks(Site(ApiProcess(own.api.run).start(hardware="none")).api)
    again.api.control("DELETE", "faults")
    assert again.ended(job).lifecycle_state == "SUCCEEDED"


@pytest.mark.own_rule
@pytest.mark.parametrize("api_down", [False, True], ids=["API up", "API down"])
def test_a_job_whose_processes_died_has_failed(own, api_down):
    stack = own.create({"main.tf": SLOW})
    job = own.begin(stack, apply_details("AUTO_APPROVED"))
    own.await_log(job, "terraform_data.first: Creating...")
    if api_down:
        own.api.kill()
    for pid in of_jobs(RunDirectory.of(own.api.run)):
        with suppress(ProcessLookupError):  # one of them ends with another
            os.kill(pid, signal.SIGKILL)
    if api_down:
        own.api.start(hardware="none")
        own = Stacks(own.api)
    ended = own.ended(job)
    assert (ended.lifecycle_state, ended.failure_details.code) == ("FAILED", "INTERNAL_SERVICE_ERROR")
    assert "died" in ended.failure_details.message


@pytest.mark.own_rule
def test_the_lab_s_end_leaves_nothing_of_a_job(own):
    stack = own.create({"main.tf": SLOW})
    job = own.begin(stack, apply_details("AUTO_APPROVED"))
    own.await_log(job, "terraform_data.first: Creating...")
    lab = RunDirectory.of(own.api.run)
    assert len(processes(lab)) >= 4  # the API, the provider, the job and its Terraform
    take_down(own.api.run)
    assert processes(lab) == set()
    assert of_jobs(lab) == set()
    assert not lab.jobs.exists()
    assert not lab.stacks.exists()


@pytest.mark.own_rule
def test_faults_meet_these_operations_too(stacks, refused):
    stack = stacks.create({"main.tf": SMALL}, {"word": "one"})
    stacks.api.inject("CreateJob", status=500)
    with refused(500, "InternalError"):
        stacks.begin(stack, models.CreatePlanJobOperationDetails())
    stacks.api.inject("CreateJob", refusal="no runner")
    job = stacks.plan(stack)
    assert (job.lifecycle_state, job.failure_details.code) == ("FAILED", "INTERNAL_SERVICE_ERROR")


@pytest.mark.checked(sources.RUN)
def test_the_product_s_own_stack(own):
    """terraform/ with a cloud-init document, as it would be uploaded: a server adopted, volumes attached."""
    site = Site(own.api)
    first, volumes = site.launch("nfs-srv-1"), {name: site.volume(name).id for name in ("bv1", "bv2")}
    facts = own.api.facts()
    variables = site_variables(
        facts,
        server_id=first.id,
        image_id=facts["base_image_id"],
        volume_ids=volumes,
        ssh_authorized_keys=SSH_KEY,
    )
    zipped = packed_folder(SOURCE, ("*.tf",))
    files = unpacked(zipped) | {"rendered/user_data": "I2Nsb3VkLWNvbmZpZwo=\n"}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in variables.items()}
    stack = own.create(files, {**texts, "active_server": "nfs-srv-1"})
    job = own.apply(stack)
    assert job.lifecycle_state == "SUCCEEDED", own.log(job.id)
    output = state_of(own, stack)["outputs"]["failover"]["value"]
    assert output["active"] == "nfs-srv-1"
    assert {v["instance_id"] for v in output["volumes"].values()} == {first.id}
    assert "No changes." in own.log(own.plan(stack).id)


def unpacked(zipped: str) -> dict[str, str]:
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(zipped)))
    return {name: archive.read(name).decode() for name in archive.namelist()}
