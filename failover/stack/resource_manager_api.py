"""Resource Manager as the SDK shows it: one stack and its jobs. What could not be learnt raises Unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import oci

from failover.cloud.compute import Cloud
from failover.model.outcome import Unknown
from failover.model.site import CloudAccess

UNENDED = ("ACCEPTED", "IN_PROGRESS", "CANCELING")
BY_TAG = "nfs-failover-by"  # on the jobs that this program makes: who and where
_NEWEST = 20


@dataclass(frozen=True)
class StackFacts:
    """A stack. `working_directory`: where in its configuration Terraform runs; empty for the top."""

    id: str
    name: str
    state: str
    terraform_version: str
    working_directory: str
    variables: Mapping[str, str]
    tags: Mapping[str, str]
    etag: str


@dataclass(frozen=True)
class ResourceManagerJob:
    """A job. `failure`: (code, message) of one that failed."""

    id: str
    operation: str
    state: str
    name: str
    by: str
    since: datetime
    failure: tuple[str, str] = ("", "")

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state not in UNENDED

    @property
    def description(self) -> str:
        """For a person."""
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.operation} job {self.id} ({self.name!r}, {self.state}) of {self.by} since {since}"


class StackApi:
    """The calls about one stack. `call_seconds` bounds a call, with its retries, as in Cloud."""

    def __init__(self, access: CloudAccess, stack_id: str, call_seconds: float) -> None:
        self.stack_id = stack_id
        self._cloud = Cloud(access, call_seconds)
        self._client = self._cloud.client(oci.resource_manager.ResourceManagerClient)

    def stack(self) -> StackFacts:
        """GetStack."""
        answer = self._call("GetStack", self._client.get_stack, self.stack_id)
        return _stack(answer.data, answer.headers.get("etag", ""))

    def update(self, current: StackFacts, variables: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        """UpdateStack; False when somebody else has changed the stack since `current` was read."""
        details = oci.resource_manager.models.UpdateStackDetails(
            variables=dict(variables), freeform_tags=dict(tags)
        )
        update = self._client.update_stack
        return bool(self._call("UpdateStack", update, current.id, details, if_match=current.etag, but=(412,)))

    def configuration(self) -> bytes:
        """GetStackTfConfig: the zip."""
        return self._content("GetStackTfConfig", self._client.get_stack_tf_config, self.stack_id)

    def state(self) -> dict[str, Any]:
        """GetStackTfState: the state as a document. Raises Unknown when it is not JSON."""
        content = self._content("GetStackTfState", self._client.get_stack_tf_state, self.stack_id, but=(404,))
        if not content:
            raise Unknown(
                f"the stack {self.stack_id} has no state that can be read",
                "if it was never applied: apply it once in the console; else check the policies",
            )
        return _document(content, "GetStackTfState")

    def create_job(self, details: Any, name: str, by: str) -> str | None:
        """CreateJob: its OCID; None when the stack is busy with another one (409)."""
        job = oci.resource_manager.models.CreateJobDetails(
            stack_id=self.stack_id,
            display_name=name,
            job_operation_details=details,
            freeform_tags={BY_TAG: by},
        )
        answer = self._call("CreateJob", self._client.create_job, job, but=(409,))
        return str(answer.data.id) if answer else None

    def job(self, job_id: str) -> ResourceManagerJob:
        """GetJob."""
        job = self._call("GetJob", self._client.get_job, job_id).data
        failure = job.failure_details
        return _job(job, (str(failure.code), str(failure.message)) if failure else ("", ""))

    def newest_jobs(self) -> tuple[ResourceManagerJob, ...]:
        """ListJobs: the stack's newest ones, newest first."""
        listed = self._call(
            "ListJobs",
            self._client.list_jobs,
            stack_id=self.stack_id,
            sort_by="TIMECREATED",
            sort_order="DESC",
            limit=_NEWEST,
        )
        return tuple(_job(summary) for summary in listed.data)

    def unended(self) -> ResourceManagerJob | None:
        """The job that is under way: the service runs one at a time."""
        return next((job for job in self.newest_jobs() if not job.ended), None)

    def log(self, job_id: str) -> str:
        """GetJobLogsContent: the whole log so far."""
        return str(self._call("GetJobLogsContent", self._client.get_job_logs_content, job_id).data)

    def plan(self, job_id: str) -> dict[str, Any]:
        """GetJobTfPlan of a plan job: what `terraform show -json` says of it."""
        get = self._client.get_job_tf_plan
        return _document(self._content("GetJobTfPlan", get, job_id, tf_plan_format="JSON"), "GetJobTfPlan")

    def cancel(self, job_id: str) -> None:
        """CancelJob, not by force: Terraform is interrupted and writes its state. Already ended is fine."""
        self._call("CancelJob", self._client.cancel_job, job_id, but=(409,))

    def _content(self, operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> bytes:
        """The bytes of an answer that the SDK hands on as a stream; empty for a status of `but`."""
        answer = self._call(operation, function, *args, **options)
        try:
            return bytes(answer.data.content) if answer else b""
        except OSError as error:  # the stream is read outside of the SDK's own care
            raise Unknown(f"OCI {operation}: the answer broke off: {error}", "run it again") from error

    def _call(self, operation: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self._cloud.call(operation, function, *args, **options)


def _document(content: bytes, operation: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise Unknown(f"OCI {operation}: the answer is not JSON: {error}", "run it again") from error
    return document


def _stack(stack: Any, etag: str) -> StackFacts:
    return StackFacts(
        id=stack.id,
        name=stack.display_name,
        state=stack.lifecycle_state,
        terraform_version=stack.terraform_version or "",
        working_directory=getattr(stack.config_source, "working_directory", None) or "",
        variables=stack.variables or {},
        tags=stack.freeform_tags or {},
        etag=etag,
    )


def _job(job: Any, failure: tuple[str, str] = ("", "")) -> ResourceManagerJob:
    creator = (job.defined_tags or {}).get("Oracle-Tags", {}).get("CreatedBy")
    return ResourceManagerJob(
        id=job.id,
        operation=job.operation,
        state=job.lifecycle_state,
        name=job.display_name,
        by=str((job.freeform_tags or {}).get(BY_TAG) or creator or "somebody"),
        since=job.time_created,
        failure=failure,
    )
