"""Resource Manager jobs from their creation to their end: awaited, followed, called off."""

from __future__ import annotations

import re
import threading
from typing import Any

from failover.deadline import Deadline, Say, until, until_free
from failover.model.outcome import FailoverError, Refused, Unknown
from failover.runs import whoami
from failover.stack.errors import explained
from failover.stack.resource_manager_api import ResourceManagerJob, StackApi

_POLL_SECONDS = (0.2, 0.4, 0.8, 1.6, 2.0)
_PREFIX = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\[\w+\] \[\w+\] ?", re.MULTILINE)
_TAIL_LINES = 12
# A job that the service itself gave up: how far Terraform had got is not known.
_SERVICE_ENDED = ("INTERNAL_SERVICE_ERROR", "JOB_TIMEOUT")


class StackJobs:
    """The jobs of one run. `grace_seconds`: what a job that is called off gets to come to its end."""

    def __init__(self, api: StackApi, grace_seconds: float) -> None:
        self._api = api
        self._grace_seconds = grace_seconds
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """Ctrl-C: the job under way is cancelled, and no other is created."""
        self._interrupted.set()

    def holder(self) -> str | None:
        """The job under way, for a person: the service runs one at a time. None when the stack is idle."""
        job = self._api.unended()
        return job.description if job else None

    def await_idle(self, deadline_seconds: float, say: Say) -> None:
        """Wait until the stack has no job; raises Refused at the deadline, saying whose it is."""
        if busy := until_free(self.holder, deadline_seconds, say, _POLL_SECONDS[-1:]):
            raise Refused(
                f"the stack is busy: {busy}, still after {deadline_seconds:.0f} s",
                "wait for its end or cancel it in the console, then run the same command again",
            )

    def run(
        self, details: Any, deadline_seconds: float, say: Say, *, wait_seconds: float, with_log: bool = False
    ) -> ResourceManagerJob:
        """Create a job and follow it to its success; raises what its end means for the run.

        `wait_seconds`: how long another job is waited for. `with_log`: tell its log, line by line.
        """
        verb = str(details.operation).lower()
        job_id = self._create(details, verb, wait_seconds, say)
        try:
            job = self._follow(job_id, verb, deadline_seconds, say, with_log)
        except KeyboardInterrupt:
            self._interrupted.set()
            raise self._called_off(job_id, verb, "interrupted") from None
        if job.state == "SUCCEEDED":
            return job
        raise self._ended_badly(job, verb)

    def _create(self, details: Any, verb: str, wait_seconds: float, say: Say) -> str:
        deadline = Deadline(wait_seconds)
        mine = whoami.me()
        by = f"{mine['user']}@{mine['host']}"

        def create() -> str | None:
            """The job's OCID; None after another job has ended. Raises Unknown after Ctrl-C, Refused."""
            if self._interrupted.is_set():
                raise Unknown(f"interrupted; no {verb} job was created", "run the same command again")
            job_id = self._api.create_job(details, f"nfs-failover {verb} by {by}", by)
            if job_id is None:
                self.await_idle(deadline.left, say)
            return job_id

        job_id = until(create, bool, wait_seconds, _POLL_SECONDS[:1])
        if job_id is None:
            raise Refused(
                f"the stack takes no {verb} job (409), though no job is under way",
                "look at the stack in the console, then run the same command again",
            )
        say(f"Resource Manager: {verb} job {job_id} ...")
        return job_id

    def _follow(
        self, job_id: str, verb: str, deadline_seconds: float, say: Say, with_log: bool
    ) -> ResourceManagerJob:
        state, shown = "", 0

        def read() -> ResourceManagerJob:
            nonlocal state, shown
            job = self._api.job(job_id)
            if job.state != state:
                state = job.state
                say(f"Resource Manager: {verb} job is {state}")
            if with_log:
                shown = self._show_log(job_id, shown, say)
            return job

        def pause(seconds: float) -> None:
            """Raises Unknown after Ctrl-C, when the job has been called off."""
            if self._interrupted.wait(seconds):
                raise self._called_off(job_id, verb, "interrupted")

        job = until(read, lambda job: job.ended, deadline_seconds, _POLL_SECONDS, pause)
        if not job.ended:
            raise self._called_off(job_id, verb, f"not done within {deadline_seconds:.0f} s")
        return job

    def _show_log(self, job_id: str, shown: int, say: Say) -> int:
        """Show the log's complete lines after the first `shown`; how many are shown now."""
        lines = plain(self._api.log(job_id)).split("\n")[:-1]
        for line in lines[shown:]:
            if line.strip():
                say(f"   {line}")
        return len(lines)

    def _called_off(self, job_id: str, verb: str, why: str) -> Unknown:
        """Cancel the job, wait for what comes of that, and say it."""
        remedy = "run the same command again: it goes on from what it finds"
        try:
            self._api.cancel(job_id)
            job = self._until_ended(job_id)
        except FailoverError as error:
            text = f"whether it was cancelled is not known ({error.reason})"
            return Unknown(f"{why}: the {verb} job {job_id} may still be at work: {text}", remedy)
        if not job.ended:
            left = f"it is still {job.state} after {self._grace_seconds:.0f} s"
            return Unknown(f"{why}: the {verb} job {job_id} got a cancellation, but {left}", remedy)
        ended = {"CANCELED": "was cancelled; Terraform wrote down what it had done"}
        return Unknown(f"{why}: the {verb} job {job_id} {ended.get(job.state, 'is ' + job.state)}", remedy)

    def _until_ended(self, job_id: str) -> ResourceManagerJob:
        return until(lambda: self._api.job(job_id), lambda job: job.ended, self._grace_seconds, (0.5,))

    def _ended_badly(self, job: ResourceManagerJob, verb: str) -> FailoverError:
        code, message = job.failure
        if job.state == "CANCELED":
            return Unknown(
                f"the {verb} job {job.id} was cancelled by another user",
                "find out by whom and why, then run the same command again",
            )
        try:
            log = plain(self._api.log(job.id))
        except FailoverError as error:
            return Unknown(
                f"the {verb} job {job.id} failed ({message}); its log: {error.reason}", error.remedy
            )
        tail = " ".join(" ".join(log.splitlines()[-_TAIL_LINES:]).split())
        if code in _SERVICE_ENDED:
            return Unknown(
                f"the {verb} job {job.id} ended with {code}: {message}; its log ends: {tail or 'empty'}",
                "look at the job in the console; then run the same command again",
            )
        explanation = explained(verb, log if "Error:" in log else f"{code} {message}; its log ends: {tail}")
        return type(explanation)(f"{explanation.reason} (job {job.id})", explanation.remedy)


def plain(log: str) -> str:
    """A job's log without the time and the mark before each line."""
    return _PREFIX.sub("", log)
