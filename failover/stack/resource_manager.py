"""The stack in OCI Resource Manager: the same plans, gates and applies, as jobs of the service.

The stack's variables are the record of what is wanted: `active_server` there takes the place of
active.auto.tfvars. What is for one plan only (`launch`, ...) is set for the time of its plan job and then put
back; until then a tag of the stack remembers what was there, so that the next run puts it back after a crash.
While it is set, somebody else's apply in the console would use it too: the stack's own rules (a switch is
refused while the old server is not fenced) hold there as well.

What a killed apply left in the cloud but not in the state is recorded by an import job: the state is
downloaded, its records are put right (failover/stack/state_edit.py), and it is uploaded as the next serial.
The service does not say whether another job ran in between, so that is looked for before and after.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import oci

from failover.checkout.active_file import ACTIVE_FILE, write_active
from failover.cloud import profile
from failover.model import stack_output, switch_record
from failover.model.outcome import Failed, FailoverError, Refused, Unknown, Usage
from failover.model.resource_change import Change, changes_of
from failover.model.site import Site
from failover.stack import state as tfstate
from failover.stack import state_edit
from failover.stack.resource_manager_api import StackApi, StackFacts
from failover.stack.resource_manager_jobs import StackJobs

RESTORE_TAG = "nfs-failover-restore"  # {"launch": "[]", "fence": null}: what one plan's variables were before
_LONGEST_TAG = 256  # characters of a free-form tag's value (OCI, tagging limits)
_JOB_SECONDS = 900.0  # for a job that changes nothing in the cloud
_UPDATES = 5  # tries against others who change the stack at the same moment
_WAIT = "180s"


@dataclass(frozen=True)
class PlanJob:
    """A plan job that has succeeded."""

    id: str
    changes: tuple[Change, ...]


class ResourceManagerStack:
    """A StackRunner (failover/stack/runner.py) on the stack `site.terraform.stack_id`."""

    def __init__(self, site: Site) -> None:
        self._stack_id = site.terraform.stack_id
        self._access = site.cloud
        self._checkout = site.terraform.checkout
        self._api = StackApi(site.cloud, self._stack_id, site.deadlines.api)
        self._jobs = StackJobs(self._api, site.deadlines.interrupt)
        self._longest = max(site.deadlines.launch, site.deadlines.switch)
        self._say: Callable[[str], None] = lambda _: None
        self._adopted: dict[str, str] = {}
        self._untainted: list[str] = []

    def recover(self, say: Callable[[str], None], look_only: bool = False) -> None:
        """Wait for a job that a killed run left; put back what it had set for one plan."""
        self._say = say
        self._jobs.await_idle(self._longest, say)
        current = self._api.stack()
        if RESTORE_TAG in current.tags and not look_only:
            say(f"variables that an earlier run set for one plan are put back: {current.tags[RESTORE_TAG]}")
            self._restore()

    def mend(self, say: Callable[[str], None]) -> None:
        """Nothing: the service writes the state when a job has ended."""

    def discard_plans(self) -> None:
        """Does nothing: saved plans stay with their jobs."""

    def init(self) -> None:
        """The stack is there; raises Usage for one that is not active."""
        current = self._api.stack()
        if current.state != "ACTIVE":
            raise Usage(
                f"the stack {current.name} ({current.id}) is {current.state}", "name another with --stack-id"
            )

    @property
    def active_file(self) -> Path | None:
        """The file of the checkout that the site names beside the stack, if it names one."""
        return self._checkout / ACTIVE_FILE if self._checkout else None

    def version(self) -> str:
        """Terraform's version as the service tells it, e.g. "1.5.x"."""
        return f"{self._api.stack().terraform_version} (Resource Manager)"

    def read(self) -> stack_output.Stack:
        """The output `failover` of the present state. Raises Usage when there is none."""
        outputs = self._api.state().get("outputs", {})
        if "failover" not in outputs:
            raise Usage(
                f"the state of the stack {self._stack_id} has no output `failover`: it is another stack, "
                "or was never applied",
                "correct --stack-id, or apply the stack once in the console",
            )
        stack = stack_output.parse(outputs["failover"]["value"])
        profile.refuse_other_region(self._access, stack.region)
        return stack

    def recorded(self) -> dict[str, tfstate.Recorded]:
        """What the state holds now, by address."""
        return tfstate.recorded(self._api.state())

    def switched(self) -> switch_record.Switched | None:
        """Who switched last, when and through which door, by the state's own record."""
        return tfstate.switched(self._api.state())

    def plan(self, variables: Mapping[str, Any] | None = None, *, lock_timeout: str = _WAIT) -> PlanJob:
        """A plan job with these variables over the stack's own; nothing changes but the state's records."""
        wait_seconds = float(lock_timeout.rstrip("s"))
        self._jobs.await_idle(wait_seconds, self._say)
        self._record()
        wanted = {name: _text(value) for name, value in (variables or {}).items()}
        details = oci.resource_manager.models.CreatePlanJobOperationDetails()
        with self._for_one_plan(wanted):
            job = self._jobs.run(details, _JOB_SECONDS, self._say, wait_seconds=wait_seconds)
        shown = self._api.plan(job.id)
        _check_variables(variables or {}, shown)
        plan = PlanJob(job.id, changes_of(shown))
        text = "; ".join(f"{'+'.join(c.actions)} {c.address}" for c in plan.changes) or "no changes"
        self._say(f"Resource Manager: the plan: {text}")
        return plan

    def apply(self, plan: PlanJob, deadline_seconds: float) -> None:
        """An apply job of exactly this plan. Terraform refuses one that is older than the state."""
        details = oci.resource_manager.models.CreateApplyJobOperationDetails(
            execution_plan_strategy="FROM_PLAN_JOB_ID", execution_plan_job_id=plan.id
        )
        wait_seconds = float(_WAIT.rstrip("s"))
        self._jobs.run(details, deadline_seconds, self._say, wait_seconds=wait_seconds, with_log=True)

    def discard(self, plan: PlanJob) -> None:
        """It stays in the stack's list of jobs, as every plan there does."""

    def adopt(self, address: str, ocid: str, variables: Mapping[str, Any]) -> None:
        """Before the next plan the state's record of `address` becomes the resource `ocid`."""
        del variables  # an import by the state needs no configuration
        self._adopted[address] = ocid

    def untaint(self, address: str) -> None:
        """Before the next plan the object's record is freed of its taint."""
        self._untainted.append(address)

    def write_active(self, server: str) -> None:
        """The stack's variable, and the checkout's file: else a later pull request would undo the switch."""
        self._update(lambda current: ({**current.variables, "active_server": server}, current.tags))
        if self._checkout and (self._checkout / ACTIVE_FILE).exists():
            write_active(self._checkout, server)

    def interrupt(self) -> None:
        """Ctrl-C: the job under way is cancelled; its Terraform ends its calls and writes its state."""
        self._jobs.interrupt()

    def lock_holder(self) -> str | None:
        """The job under way."""
        return self._jobs.holder()

    def file(self, name: str) -> str | None:
        """The text of a file of the stack's configuration. Raises Unknown when the zip cannot be read."""
        where = str(PurePosixPath(self._api.stack().working_directory) / name)
        try:
            with zipfile.ZipFile(io.BytesIO(self._api.configuration())) as packed:
                return packed.read(where).decode() if where in packed.namelist() else None
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise Unknown(
                f"{name} of the stack {self._stack_id}: {error}", "look at its configuration"
            ) from error

    def _record(self) -> None:
        """Bring the state's records up to what was adopted and untainted since the last plan."""
        if not self._adopted and not self._untainted:
            return
        before = self._newest()
        state = state_edit.edited(self._api.state(), self._adopted, self._untainted)
        content = base64.b64encode(state_edit.encoded(state)).decode()
        details = oci.resource_manager.models.CreateImportTfStateJobOperationDetails(
            tf_state_base64_encoded=content
        )
        text = ", ".join([*self._adopted, *self._untainted])
        self._say(f"Resource Manager: the state learns what an earlier run left: {text}")
        if self._newest() != before:
            raise Refused("another job ran on the stack meanwhile", "run the same command again")
        job = self._jobs.run(details, _JOB_SECONDS, self._say, wait_seconds=0.0)
        jobs = [j.id for j in self._api.newest_jobs()]
        if before and jobs.index(before) != jobs.index(job.id) + 1:
            raise Failed(
                f"another job ran while the state was imported by {job.id}: its changes may be missing in it",
                "compare the state with the API in the console before anything else",
            )
        self._adopted, self._untainted = {}, []

    def _newest(self) -> str:
        return next((job.id for job in self._api.newest_jobs()), "")

    @contextmanager
    def _for_one_plan(self, wanted: Mapping[str, str]) -> Iterator[None]:
        """Set these variables of the stack for the block, remembering in a tag what was there."""
        current = self._api.stack()
        former = {n: current.variables.get(n) for n, v in wanted.items() if current.variables.get(n) != v}
        if not former:
            yield
            return
        remembered = json.dumps(former, separators=(",", ":"))
        if len(remembered) > _LONGEST_TAG:
            raise Refused(
                f"the stack's variables {', '.join(former)} are too long to be remembered in a tag",
                "shorten them in the console: what a run sets for one plan must be short",
            )
        self._update(lambda s: ({**s.variables, **wanted}, {**s.tags, RESTORE_TAG: remembered}))
        try:
            yield
        except FailoverError as error:
            self._restore_after(error)
            raise
        self._restore()

    def _restore_after(self, error: FailoverError) -> None:
        """Put the variables back. A failure is printed, and does not hide an earlier error."""
        try:
            self._restore()
        except FailoverError as second:
            raise type(error)(
                f"{error.reason}; and the stack's variables were not put back ({second.reason})", error.remedy
            ) from error

    def _restore(self) -> None:
        self._update(_restored)

    def _update(self, change: Callable[[StackFacts], tuple[Mapping[str, str], Mapping[str, str]]]) -> None:
        """Change variables and tags in one call, of what they are at that moment."""
        for _ in range(_UPDATES):
            current = self._api.stack()
            variables, tags = change(current)
            if (variables, tags) == (current.variables, current.tags) or self._api.update(
                current, variables, tags
            ):
                return
        raise Refused(
            f"the stack {self._stack_id} is changed by another user again and again",
            "find out by whom, then run the same command again",
        )


def _restored(current: StackFacts) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The variables as they were before the plan that the tag tells of, and the tags without it."""
    former: dict[str, str | None] = json.loads(current.tags.get(RESTORE_TAG, "{}"))
    kept = {name: value for name, value in current.variables.items() if name not in former}
    back = {name: value for name, value in former.items() if value is not None}
    return {**kept, **back}, {name: value for name, value in current.tags.items() if name != RESTORE_TAG}


def _text(value: Any) -> str:
    """A value as a stack's variable: text, which Terraform reads as an expression where it is no string."""
    return value if isinstance(value, str) else json.dumps(value)


def _check_variables(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """Raise Refused unless the plan has these variables: a file in the zip overrides the stack's."""
    variables = shown.get("variables", {})
    for name, value in wanted.items():
        if name not in variables:
            raise Refused(
                f"the stack's configuration has no variable {name}",
                "upload the present configuration (`./inv package`) to the stack",
            )
        planned = variables[name].get("value")
        if not _same(value, planned):
            raise Refused(
                f"the stack plans with {name} = {planned!r} instead of {value!r}: an *.auto.tfvars file in "
                "its configuration overrides the stack's variable",
                "take that file out of the configuration, or switch by a commit to it (the Git door)",
            )


def _same(wanted: Any, planned: Any) -> bool:
    """Whether Terraform understood the value; it has its own order of sets and keys."""
    if isinstance(wanted, Mapping):
        return isinstance(planned, Mapping) and all(_same(v, planned.get(k)) for k, v in wanted.items())
    if isinstance(wanted, list | tuple | set):
        return isinstance(planned, list) and sorted(map(_text, wanted)) == sorted(map(_text, planned))
    return _text(wanted) == _text(planned)
