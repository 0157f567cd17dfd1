"""What is pure in the way through Resource Manager: variables, logs, ends of jobs, the edited state."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from failover.command import site_file as sites
from failover.model.outcome import Failed, Refused, Unknown, Usage
from failover.stack import choose, state_edit
from failover.stack import resource_manager as managed
from failover.stack import state as tfstate
from failover.stack.resource_manager_api import ResourceManagerJob, StackFacts
from failover.stack.resource_manager_jobs import StackJobs, plain

STACK = "ocid1.ormstack.oc1.eu-frankfurt-1.aaaa"
LOG = (
    "Terraform v1.5.7\n"
    "2026/06/11 09:42:03[TERRAFORM_CONSOLE] [INFO] oci_core_instance.server: Creating...\n"
    "2026/06/11 09:42:09[TERRAFORM_CONSOLE] [INFO] \n"
    "2026/06/11 09:42:09[TERRAFORM_CONSOLE] [INFO] Error: 500-InternalError, Out of host capacity.\n"
)


def seen(variables, tags):
    return StackFacts(STACK, "site", "ACTIVE", "1.5.x", "", variables, tags, "1")


def test_the_marks_of_the_service_are_taken_off_a_log():
    assert plain(LOG) == (
        "Terraform v1.5.7\noci_core_instance.server: Creating...\n\n"
        "Error: 500-InternalError, Out of host capacity.\n"
    )


def test_what_was_set_for_one_plan_is_put_back_as_it_was():
    tag = json.dumps({"launch": None, "active_server": "a", "fence": "power"})
    variables = {"launch": '["b"]', "active_server": "b", "fence": "storage", "region": "r"}
    back, tags = managed._restored(seen(variables, {managed.RESTORE_TAG: tag, "mine": "1"}))
    assert back == {"active_server": "a", "fence": "power", "region": "r"}
    assert tags == {"mine": "1"}
    assert managed._restored(seen({"launch": "[]"}, {})) == ({"launch": "[]"}, {})


@pytest.mark.parametrize(
    ("wanted", "planned", "words"),
    [
        ({"active_server": "b"}, {"active_server": {"value": "a"}}, "instead of 'b'"),
        ({"launch": ["b"]}, {"launch": {"value": []}}, "instead of"),
        ({"released": []}, {}, "has no variable released"),
        ({"switch": {"by": "a", "at": "t"}}, {"switch": {"value": {"at": "t", "by": "b"}}}, "instead of"),
        ({"switch": {"by": "a"}}, {"switch": {"value": None}}, "instead of"),
    ],
)
def test_a_plan_that_ignores_a_variable_is_refused(wanted, planned, words):
    with pytest.raises(Refused, match=words):
        managed._check_variables(wanted, {"variables": planned})


def test_a_plan_with_every_variable_is_good():
    wanted = {"active_server": "b", "launch": ["c", "b"], "switch": {"by": "a", "at": "t"}, "on": True}
    heard = {
        "active_server": {"value": "b"},
        "launch": {"value": ["b", "c"]},
        "switch": {"value": {"at": "t", "by": "a", "door": None}},
        "on": {"value": "true"},  # a variable of a simple type is kept as the text that it came as
    }
    managed._check_variables(wanted, {"variables": heard})


STATE = {
    "version": 4,
    "serial": 7,
    "lineage": "x",
    "resources": [
        {
            "mode": "managed",
            "type": "oci_core_volume_attachment",
            "name": "data",
            "provider": "the provider's address",
            "instances": [
                {"index_key": "bv1", "attributes": {"id": "old"}},
                {"index_key": "bv2", "attributes": {"id": "two"}, "status": "tainted"},
            ],
        }
    ],
}
BV1, BV2 = (f'oci_core_volume_attachment.data["{name}"]' for name in ("bv1", "bv2"))
SERVER = 'oci_core_instance.server["nfs-srv-2"]'


def test_an_edited_state_has_the_adopted_records_and_keeps_the_others():
    made = state_edit.edited(STATE, {BV1: "new", SERVER: "instance"}, [BV2])
    assert tfstate.recorded(made) == {
        BV1: tfstate.Recorded("new", False),
        BV2: tfstate.Recorded("two", False),
        SERVER: tfstate.Recorded("instance", False),
    }
    assert (made["serial"], made["lineage"]) == (8, "x")
    assert made["resources"][1]["provider"] == "the provider's address"
    assert STATE["resources"][0]["instances"][0]["attributes"]["id"] == "old", "the given one stays"


def test_an_address_of_a_module_is_refused():
    with pytest.raises(Refused, match=r"module\.x"):
        state_edit.edited(STATE, {"module.x.oci_core_instance.a": "id"}, [])


class Api:
    """Jobs that end as told."""

    def __init__(self, job, log=LOG):
        self.ending, self.text, self.cancelled = job, log, []

    def create_job(self, details, name, by):
        return self.ending.id

    def job(self, job_id):
        return self.ending

    def log(self, job_id):
        return self.text

    def unended(self):
        return None

    def cancel(self, job_id):
        self.cancelled.append(job_id)


def job(state, failure=("", ""), operation="APPLY"):
    return ResourceManagerJob(
        "ocid1.ormjob.a", operation, state, "name", "aiko@ops", datetime(2026, 1, 2, tzinfo=UTC), failure
    )


def end_of(found, operation="APPLY", log=LOG):
    details = SimpleNamespace(operation=operation)
    with pytest.raises((Failed, Refused, Unknown)) as caught:
        StackJobs(Api(found, log), 1).run(details, 5, lambda _: None, wait_seconds=0)
    return caught.value


def test_what_the_end_of_a_job_means():
    execution = ("TERRAFORM_EXECUTION_ERROR", "exit code 1")
    failed = end_of(job("FAILED", execution))
    assert (type(failed), "Out of host capacity" in failed.reason) == (Failed, True)
    assert "ocid1.ormjob.a" in failed.reason
    assert type(end_of(job("FAILED", execution), "PLAN", "Error: Resource precondition failed")) is Refused
    assert type(end_of(job("FAILED", execution), log="Error: 404-NotAuthorizedOrNotFound")) is Unknown
    assert type(end_of(job("FAILED", ("INTERNAL_SERVICE_ERROR", "lost")))) is Unknown
    assert "cancelled by another user" in end_of(job("CANCELED")).reason
    assert "the last line" in end_of(job("FAILED", execution), log="no block\nthe last line\n").reason


def test_a_job_that_misses_its_deadline_is_cancelled_and_nothing_is_concluded():
    api = Api(job("IN_PROGRESS"))
    with pytest.raises(Unknown, match=r"not done within 0 s.*still IN_PROGRESS") as caught:
        StackJobs(api, 0.1).run(
            SimpleNamespace(operation="APPLY"), 0, lambda _: None, wait_seconds=0, with_log=True
        )
    assert api.cancelled == ["ocid1.ormjob.a"]
    assert "run the same command again" in caught.value.remedy


def test_no_job_is_created_after_ctrl_c():
    jobs = StackJobs(Api(job("SUCCEEDED")), 1)
    jobs.interrupt()
    with pytest.raises(Unknown, match="no plan job was created"):
        jobs.run(SimpleNamespace(operation="PLAN"), 5, lambda _: None, wait_seconds=0)


def site(**terraform):
    return sites.parse({"terraform": terraform}, Path("/somewhere/site.toml"))


def test_the_command_line_goes_over_the_site():
    folder, stack = site(), site(stack_id=STACK, directory="tf")
    assert choose.chosen(folder).terraform.stack_id == ""
    assert choose.chosen(stack).terraform.stack_id == STACK
    assert choose.chosen(stack, "terraform").terraform.stack_id == ""
    assert choose.chosen(folder, "resource-manager", STACK + "b").terraform.stack_id == STACK + "b"
    assert choose.chosen(folder, "", STACK).terraform.stack_id == STACK
    assert (folder.terraform.checkout, stack.terraform.checkout) == (None, Path("/somewhere/tf"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("console",), "expected terraform or resource-manager"),
        (("resource-manager",), "no stack is named"),
        (("", "ocid1.instance.oc1..a"), "--stack-id: found"),
        (("terraform", STACK), "no use for --stack-id"),
    ],
)
def test_a_door_that_is_none(arguments, words):
    with pytest.raises(Usage, match=words):
        choose.chosen(site(), *arguments)


def test_a_site_with_a_wrong_stack_is_refused():
    with pytest.raises(Usage, match=r"terraform\.stack_id"):
        site(stack_id="my-stack")
