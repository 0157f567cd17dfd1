"""The run of a job: a process of its own, begun, waited for, and told how it ended.

It holds the lock of its folder for as long as it lives, and so outlives this API. Whoever can take that lock
knows that it has ended; if it left no ending, it was killed.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from lab.api.core.call import Tenancy
from lab.api.core.ocid import timestamp
from lab.api.core.store import Document, StoredResource
from lab.api.core.transition import StateChange, StateTransition
from lab.api.resource_manager.job_files import BEGUN, CANCEL, ENDING, LOCK
from lab.hardware.hardware import Hardware
from lab.system.paths import ROOT, RunDirectory, short_name
from lab.system.programs import JOB, JOB_MARK


def folder_of(cloud: Tenancy, job_id: str) -> Path:
    """Where the job works, and what is left of it."""
    return RunDirectory.of(cloud.store.path.parent).jobs / short_name(job_id)


def _start(hardware: Hardware, job: StateTransition) -> Document:
    """Begin the run; one that an API before this one began is left alone, alive or dead."""
    folder = folder_of(job.cloud, job.resource.id)
    with job.cloud.store.transaction() as store:
        now = store.get(job.resource.id)
        if now is None or now.state != "ACCEPTED" or (folder / BEGUN).exists():
            return {}
        lock = (folder / LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / BEGUN).touch()
    run = job.cloud.store.path.parent.resolve()
    argv = [
        sys.executable,
        "-m",
        JOB,
        "--run",
        str(run),
        "--job",
        str(folder),
    ]
    with lock, (run / "jobs.log").open("ab") as log:
        subprocess.Popen(
            argv,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**_plain_environment(), JOB_MARK: str(folder)},
            pass_fds=[lock.fileno()],  # the lock is let go of when the last process that has it ends
        )
    return {}


def _plain_environment() -> dict[str, str]:
    """Ours, without what would turn Terraform's head."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TF_")}


def _started(cloud: Tenancy, job: StoredResource, facts: Document) -> None:
    if job.state != "ACCEPTED":  # cancelled in time
        return
    canceling = (folder_of(cloud, job.id) / CANCEL).exists()
    cloud.store.put(job.changed(lifecycleState="CANCELING" if canceling else "IN_PROGRESS"))
    attend(cloud, job.id)


def _not_started(cloud: Tenancy, job: StoredResource) -> None:
    _end(cloud, job, {"state": "FAILED", "message": "the job could not be started"})


def attend_all(cloud: Tenancy) -> None:
    """Wait for the jobs that an API before this one began."""
    for job in cloud.store.find("ormjob"):
        if job.state in ("IN_PROGRESS", "CANCELING"):
            attend(cloud, job.id)


def attend(cloud: Tenancy, job_id: str) -> None:
    """Wait for the job's end beside everything else, and store what came of it."""
    threading.Thread(target=_await_end, args=(cloud, job_id), name=f"job-{job_id[-6:]}", daemon=True).start()


def _await_end(cloud: Tenancy, job_id: str) -> None:
    folder = folder_of(cloud, job_id)
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    with cloud.store.transaction() as store:
        job = store.get(job_id)
        if job is not None:
            _end(cloud, job, ending_of(folder))


def ending_of(folder: Path) -> Document:
    """What the run wrote at its end; one that wrote nothing was killed."""
    try:
        ending: Document = json.loads((folder / ENDING).read_text())
    except FileNotFoundError:
        return {"state": "FAILED", "message": "the job's process died before its end"}
    return ending


def _end(cloud: Tenancy, job: StoredResource, ending: Document) -> None:
    codes = {"FAILED": "TERRAFORM_EXECUTION_ERROR" if ending.get("ran") else "INTERNAL_SERVICE_ERROR"}
    code = codes.get(ending["state"])
    failure = {"code": code, "message": ending["message"]} if code else None
    cloud.store.put(
        job.changed(lifecycleState=ending["state"], failureDetails=failure, timeFinished=timestamp())
    )


START = StateChange(_start, _started, _not_started)
