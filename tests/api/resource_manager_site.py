"""Stacks and jobs through the real SDK: a zip, a stack of it, a job followed to its end."""

import base64
import io
import time
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Any

import oci

from lab.client.api_process import ApiProcess
from lab.provider.process import ProviderProcess

models = oci.resource_manager.models
PATIENCE_SECONDS = 300.0
ENDED = ("SUCCEEDED", "FAILED", "CANCELED")


def packed(files: dict[str, str]) -> str:
    """A zip of these files, base64 encoded as the API wants it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return base64.b64encode(archive.getvalue()).decode()


def packed_folder(folder: Path, patterns: tuple[str, ...]) -> str:
    """The files of a folder that match."""
    found = sorted(file for pattern in patterns for file in folder.glob(pattern))
    return packed({str(file.relative_to(folder)): file.read_text() for file in found})


class Stacks:
    """Resource Manager of one lab."""

    def __init__(self, api: ApiProcess) -> None:
        self.api = api

    @cached_property
    def client(self) -> Any:
        return self.api.resource_manager_client(retry_strategy=oci.retry.NoneRetryStrategy())

    def create(
        self, files: dict[str, str] | str, variables: dict[str, str] | None = None, **more: Any
    ) -> str:
        """OCID of a new stack; `files` by name, or a zip that `packed` made."""
        content = files if isinstance(files, str) else packed(files)
        details = models.CreateStackDetails(
            compartment_id=self.api.facts()["compartment_id"],
            display_name=more.pop("display_name", "stack"),
            config_source=models.CreateZipUploadConfigSourceDetails(
                zip_file_base64_encoded=content, working_directory=more.pop("working_directory", None)
            ),
            variables=variables or {},
            **more,
        )
        return self.client.create_stack(details).data.id

    def begin(self, stack: str, details: Any) -> str:
        """OCID of a new job."""
        job = models.CreateJobDetails(stack_id=stack, display_name="job", job_operation_details=details)
        return self.client.create_job(job).data.id

    def plan(self, stack: str) -> Any:
        """A plan job at its end."""
        return self.ended(self.begin(stack, models.CreatePlanJobOperationDetails()))

    def apply(self, stack: str, strategy: str = "AUTO_APPROVED", plan_job: str | None = None) -> Any:
        """An apply job at its end."""
        return self.ended(self.begin(stack, apply_details(strategy, plan_job)))

    def ended(self, job: str) -> Any:
        return self.until(job, *ENDED)

    def until(self, job: str, *states: str) -> Any:
        """The job once it is in one of these states."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.client.get_job(job).data).lifecycle_state not in states:
            assert found.lifecycle_state not in ENDED, f"{found.lifecycle_state}: {self.log(job)}"
            assert time.monotonic() < deadline, f"stays {found.lifecycle_state}: {self.log(job)}"
            time.sleep(0.05)
        return found

    def log(self, job: str) -> str:
        return self.client.get_job_logs_content(job).data

    def await_log(self, job: str, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in self.log(job):
            assert time.monotonic() < deadline, self.log(job)
            time.sleep(0.05)

    def cancel_all(self) -> None:
        """Jobs that still run are cancelled by force."""
        for job in self.client.list_jobs(compartment_id=self.api.facts()["compartment_id"]).data:
            if job.lifecycle_state not in ENDED:
                self.client.cancel_job(job.id, is_forced=True)
                self.until(job.id, *ENDED)

    def stop(self) -> None:
        """Leave no process."""
        self.cancel_all()
        self.api.stop()
        ProviderProcess(self.api.run).stop()


def apply_details(strategy: str, plan_job: str | None = None) -> Any:
    return models.CreateApplyJobOperationDetails(
        execution_plan_strategy=strategy, execution_plan_job_id=plan_job
    )
