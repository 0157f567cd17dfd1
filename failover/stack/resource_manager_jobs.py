"""Resource Manager jobs from their creation to their end: awaited, followed, called off."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from failover.model.outcome import FailoverError, Refused, Unknown
from failover.runs import whoami
from failover.stack.errors import explained
from failover.stack.resource_manager_api import Job, StackApi

_POLL_SECONDS = (0.2, 0.4, 0.8, 1.6, 2.0)
_SAY_SECONDS = 30.0
_PREFIX = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\[\w+\] \[\w+\] ?", re.MULTILINE)
_TAIL_LINES = 12
# A job that the service itself gave up: how far Terraform had got is not told.
_SERVICE_ENDED = ("INTERNAL_SERVICE_ERROR", "JOB_TIMEOUT")
Say = Callable[[str], None]


class StackJobs:
    """The jobs of one run. `grace_seconds`: what a job that is called off gets to come to its end."""

    def __init__(self, api: StackApi, grace_seconds: float) -> None:
        self._api = api
        self._grace_seconds = grace_seconds
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """Ctrl-C: the job under way is cancelled, and no other is created."""
        self._interrupted.set()

    def await_idle(self, deadline_seconds: float, say: Say) -> None:
        """Wait until the stack has no job; raises Refused at the deadline, saying whose it is."""
        start, said = time.monotonic(), -_SAY_SECONDS
        while job := self._api.unended():
            waited = time.monotonic() - start
            if waited >= deadline_seconds:
                raise Refused(
                    f"the stack is busy: {job.told}, still after {waited:.0f} s",
                    "wait for its end or cancel it in the console, then run the same command again",
                )
            if waited - said >= _SAY_SECONDS:
                said = waited
                say(f"waiting for {job.told} ({waited:.0f} s) ...")
            time.sleep(min(_POLL_SECONDS[-1], deadline_seconds))

    def run(
        self, details: Any, deadline_seconds: float, say: Say, *, wait_seconds: float, with_log: bool = False
    ) -> Job:
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
        end = time.monotonic() + wait_seconds
        mine = whoami.me()
        by = f"{mine['user']}@{mine['host']}"
        while True:
            if self._interrupted.is_set():
                raise Unknown(f"interrupted; no {verb} job was created", "run the same command again")
            if job_id := self._api.create_job(details, f"nfs-failover {verb} by {by}", by):
                say(f"Resource Manager: {verb} job {job_id} ...")
                return job_id
            self.await_idle(max(end - time.monotonic(), 0.0), say)
            time.sleep(_POLL_SECONDS[0])
            if time.monotonic() > end:
                raise Refused(
                    f"the stack takes no {verb} job (409), though none is under way",
                    "look at the stack in the console, then run the same command again",
                )

    def _follow(self, job_id: str, verb: str, deadline_seconds: float, say: Say, with_log: bool) -> Job:
        start, attempt, told, state = time.monotonic(), 0, 0, ""
        while True:
            job = self._api.job(job_id)
            if job.state != state:
                state = job.state
                say(f"Resource Manager: {verb} job is {state}")
            if with_log:
                told = self._tell(job_id, told, say)
            if job.ended:
                return job
            pause = _POLL_SECONDS[min(attempt, len(_POLL_SECONDS) - 1)]
            if self._interrupted.wait(pause):
                raise self._called_off(job_id, verb, "interrupted")
            if time.monotonic() - start > deadline_seconds:
                raise self._called_off(job_id, verb, f"not done within {deadline_seconds:.0f} s")
            attempt += 1

    def _tell(self, job_id: str, told: int, say: Say) -> int:
        """Say the whole lines of the log that are new; how many have been said."""
        lines = plain(self._api.log(job_id)).split("\n")[:-1]
        for line in lines[told:]:
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
            told = f"whether it was cancelled is not known ({error.reason})"
            return Unknown(f"{why}: the {verb} job {job_id} may still be at work: {told}", remedy)
        if not job.ended:
            left = f"it is still {job.state} after {self._grace_seconds:.0f} s"
            return Unknown(f"{why}: the {verb} job {job_id} was told to stop, but {left}", remedy)
        ended = {"CANCELED": "was cancelled; Terraform wrote down what it had done"}
        return Unknown(f"{why}: the {verb} job {job_id} {ended.get(job.state, 'is ' + job.state)}", remedy)

    def _until_ended(self, job_id: str) -> Job:
        end = time.monotonic() + self._grace_seconds
        while not (job := self._api.job(job_id)).ended and time.monotonic() < end:
            time.sleep(0.5)
        return job

    def _ended_badly(self, job: Job, verb: str) -> FailoverError:
        code, message = job.failure
        if job.state == "CANCELED":
            return Unknown(
                f"the {verb} job {job.id} was cancelled by somebody else",
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
        found = explained(verb, log if "Error:" in log else f"{code} {message}; its log ends: {tail}")
        return type(found)(f"{found.reason} (job {job.id})", found.remedy)


def plain(log: str) -> str:
    """A job's log without the time and the mark before each line."""
    return _PREFIX.sub("", log)
