"""`job_process --run RUN --job FOLDER`: one Resource Manager job, Terraform run in a folder of its own.

It obeys the order in its folder and leaves there log, plan, state and ending. Cancelled by a file, it
interrupts Terraform (SIGINT), or kills it when that file says "forced".
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.api.resource_manager.job_files import CANCEL, ENDING, LOCK
from lab.provider.process import ProviderProcess, ProviderProcessError
from lab.system.file_lock import held
from lab.system.programs import JOB, JOB_MARK

ORDER, LOG = "order.json", "log.jsonl"
PLAN, PLAN_JSON, STATE, IMPORTED = "plan.tfplan", "plan.json", "terraform.tfstate", "imported.tfstate"
_BACKEND = "backend_override.tf"  # the service keeps the state: whatever backend the configuration names
_POLL_SECONDS = 0.05
_PROVIDER_SECONDS = 120.0


@dataclass(frozen=True)
class Order:
    """What a job does. `zip`, `state`: files; `plan`: the folder of the plan job to apply, or empty."""

    operation: str
    zip: str
    working_directory: str
    state: str
    plan: str = ""
    refresh: bool = True
    variables: dict[str, str] = field(default_factory=dict)


class JobError(Exception):
    """The job ends here; the text is for its failureDetails. `ran`: it was Terraform that ended it."""

    def __init__(self, message: str, ran: bool = False) -> None:
        super().__init__(message)
        self.ran = ran


class Runner:
    """Runs Terraform for one job."""

    def __init__(self, run: Path, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._order = Order(**json.loads((folder / ORDER).read_text()))
        self._place = folder / "config" / self._order.working_directory
        self._environment: dict[str, str] = {}

    def obey(self) -> None:
        """Do what the order says. Raises JobError."""
        if self._order.operation == "IMPORT_TF_STATE":
            self._import()
            return
        self._lay()
        self._terraform("init", "-input=false")
        if self._order.operation == "PLAN":
            self._plan()
        elif self._order.plan:
            shutil.copy(Path(self._order.plan) / PLAN, self._folder / PLAN)
            self._terraform("apply", "-input=false", str(self._folder / PLAN))
        else:
            self._terraform("apply", "-input=false", "-auto-approve", *self._refresh())

    def _import(self) -> None:
        """The given state takes the place of the stack's."""
        given, target = self._folder / IMPORTED, Path(self._order.state)
        fresh = target.with_suffix(".new")
        shutil.copy(given, fresh)
        fresh.replace(target)
        self.say(f"Imported the state ({given.stat().st_size} bytes).")

    def _lay(self) -> None:
        from lab.api.resource_manager.stack_source import unpack

        unpack(Path(self._order.zip), self._folder / "config")
        backend = {"terraform": {"backend": {"local": {"path": self._order.state}}}}
        (self._place / f"{_BACKEND}.json").write_text(json.dumps(backend))
        # the service sets no TF_PRESERVE_STATE_ON_404 for its jobs
        provider = ProviderProcess(self._run, keep_on_404=False)
        os.environ.pop(JOB_MARK, None)  # the provider is the lab's, and outlives the job
        with held(self._run / "provider.lock"):
            provider.start(_PROVIDER_SECONDS)
        variables = {f"TF_VAR_{name}": value for name, value in self._order.variables.items()}
        self._environment = {**os.environ, **provider.environment(), "TF_INPUT": "0", **variables}
        self._environment[JOB_MARK] = str(self._folder)

    def _plan(self) -> None:
        plan = self._folder / PLAN
        self._terraform("plan", "-input=false", f"-out={plan}", *self._refresh())
        (self._folder / PLAN_JSON).write_text(self._shown(plan))

    def _refresh(self) -> list[str]:
        return [] if self._order.refresh else ["-refresh=false"]

    def _shown(self, plan: Path) -> str:
        argv = ["terraform", f"-chdir={self._place}", "show", "-json", str(plan)]
        return subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout

    def _terraform(self, verb: str, *arguments: str) -> None:
        """One command, its output to the log. Raises JobError for any exit code but 0."""
        self._stop_if_cancelled()
        process = subprocess.Popen(
            ["terraform", f"-chdir={self._place}", verb, "-no-color", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=inherited_lock(self._folder),
            start_new_session=True,
        )
        with self._logged(process):
            self._attend(process)
        if process.returncode:
            self._stop_if_cancelled()
            raise JobError(f"terraform {verb} ended with exit code {process.returncode}", ran=True)

    @contextmanager
    def _logged(self, process: subprocess.Popen[str]) -> Iterator[None]:
        def copy() -> None:
            for line in process.stdout or ():
                self.say(line.rstrip("\n"))

        reader = threading.Thread(target=copy, daemon=True)
        reader.start()
        yield
        reader.join(5.0)

    def _attend(self, process: subprocess.Popen[str]) -> None:
        """Wait for its end; pass each cancellation on once."""
        passed: set[signal.Signals] = set()
        while process.poll() is None:
            number = self._cancelled()
            if number and number not in passed:
                passed.add(number)
                _send(process, number)
            time.sleep(_POLL_SECONDS)

    def _cancelled(self) -> signal.Signals | None:
        file = self._folder / CANCEL
        if not file.exists():
            return None
        return signal.SIGKILL if file.read_text() == "forced" else signal.SIGINT

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise CancelledError

    def say(self, message: str) -> None:
        """A line of the job's log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"type": "TERRAFORM_CONSOLE", "level": "INFO", "timestamp": now, "message": message}
        with (self._folder / LOG).open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def keep_state(self) -> None:
        """The stack's state as this job leaves it."""
        if Path(self._order.state).exists():
            shutil.copy(self._order.state, self._folder / STATE)


def _send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """SIGINT is Terraform's alone, to end what it has begun; SIGKILL is for all that it started too."""
    if number is signal.SIGKILL:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


class CancelledError(Exception):
    """The job was cancelled, and Terraform did not come to its end."""


def inherited_lock(folder: Path) -> list[int]:
    """The descriptor of the job's lock that the API handed down; Terraform gets it too: while it lives, so
    does the job."""
    lock = str((folder / LOCK).resolve())
    opened = [(int(d.name), os.path.realpath(d)) for d in Path("/proc/self/fd").iterdir() if d.exists()]
    return [number for number, path in opened if path == lock]


def run_job(run: Path, folder: Path) -> None:
    """The job from its order to its ending."""
    runner = Runner(run, folder)
    ending: dict[str, Any] = {"state": "SUCCEEDED", "message": ""}
    try:
        runner.obey()
    except CancelledError:
        ending = {"state": "CANCELED", "message": ""}
    except (JobError, ProviderProcessError) as error:
        ending = {"state": "FAILED", "message": str(error), "ran": getattr(error, "ran", False)}
    runner.keep_state()
    fresh = folder / f"{ENDING}.new"
    fresh.write_text(json.dumps(ending))
    fresh.replace(folder / ENDING)


def main() -> int:
    """Read the arguments and run the job."""
    parser = argparse.ArgumentParser(prog=f"python -m {JOB}", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the lab's directory")
    parser.add_argument("--job", type=Path, required=True, help="the job's folder")
    options = parser.parse_args()
    run_job(options.run, options.job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
