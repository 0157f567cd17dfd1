"""The stack in Resource Manager, used as a person uses the console: form, plan, apply of that plan."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.client.api_process import ApiProcess
from lab.site.stack import changes_in
from lab.system.errors import HardwareError
from lab.system.waiting import until

_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")
_JOB_SECONDS = 600


class ConsoleStack:
    """One stack, made of the zip that is shipped. What it is told goes into the form as text."""

    def __init__(self, api: ApiProcess, say: Callable[[str], None]) -> None:
        self._api = api
        self._say = say
        self._client = api.resource_manager_client()
        self._stack_id = ""

    def create(self, archive: Path, fields: Mapping[str, str]) -> None:
        """Upload the zip and fill in the form."""
        from oci.resource_manager import models

        source = models.CreateZipUploadConfigSourceDetails(
            zip_file_base64_encoded=base64.b64encode(archive.read_bytes()).decode()
        )
        details = models.CreateStackDetails(
            compartment_id=self._api.facts()["compartment_id"],
            display_name="nfs-failover",
            config_source=source,
            variables=dict(fields),
        )
        self._stack_id = self._client.create_stack(details).data.id

    def apply(self, **changed: str) -> None:
        """Change these fields, plan, apply that plan. Raises HardwareError with the end of the job's log."""
        from oci.resource_manager import models

        stack = self._client.get_stack(self._stack_id).data
        fields = {**(stack.variables or {}), **changed}
        self._client.update_stack(self._stack_id, models.UpdateStackDetails(variables=fields))
        planned = self._job(models.CreatePlanJobOperationDetails())
        order = models.CreateApplyJobOperationDetails(
            execution_plan_strategy="FROM_PLAN_JOB_ID", execution_plan_job_id=planned
        )
        self._job(order)

    def output(self) -> dict[str, Any]:
        """The output `failover` in the stack's state."""
        state = json.loads(self._client.get_stack_tf_state(self._stack_id).data.content)
        value: dict[str, Any] = state["outputs"]["failover"]["value"]
        return value

    def pending_changes(self) -> int:
        """How many resources a plan made now would change."""
        from oci.resource_manager import models

        job = self._job(models.CreatePlanJobOperationDetails())
        shown = json.loads(self._client.get_job_tf_plan(job, tf_plan_format="JSON").data.content)
        return changes_in(shown)

    def _job(self, operation: Any) -> str:
        """Run one job to its end; its OCID."""
        from oci.resource_manager import models

        details = models.CreateJobDetails(stack_id=self._stack_id, job_operation_details=operation)
        job: str = self._client.create_job(details).data.id

        def state_of_job() -> str:
            return str(self._client.get_job(job).data.lifecycle_state)

        until(lambda: state_of_job() in _ENDED, _JOB_SECONDS, 0.3)
        if (state := state_of_job()) not in _ENDED:
            raise HardwareError(f"job {job} is {state} after {_JOB_SECONDS} s")
        self._say(f"{operation.operation.lower()} job: {state}")
        if state != "SUCCEEDED":
            log = self._client.get_job_logs_content(job).data
            raise HardwareError(f"job {job} {state}: {log[-1500:]}")
        return job
