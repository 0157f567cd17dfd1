"""Terraform, by python-terraform: plan as data, apply of exactly that plan, the output `failover`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, Terraform

from failover import contract
from failover.outcome import Failed, Refused, Unknown, Usage
from failover.site import Site

ACTIVE_FILE = "active.auto.tfvars"
# A 404 may mean "not authorized": the provider must not drop a resource from the state because of it.
# Its HTTP client has no time-out of its own.
_ENVIRONMENT = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_PRESERVE_STATE_ON_404": "true",
    "HTTP_REQUEST_TIMEOUT": "60s",
    "CHECKPOINT_DISABLE": "1",
}
_LOCK_WAIT = "180s"  # an apply that outlived its operator ends by itself: wait for it rather than fail
_QUICK_SECONDS = 300.0


@dataclass(frozen=True)
class Change:
    """One resource that a plan touches. `actions` as Terraform's JSON has them: ("delete", "create")."""

    address: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class PlanFile:
    """A saved plan; `changes` is empty when reality and code agree."""

    path: Path
    changes: tuple[Change, ...]


class _Command(Terraform):
    """python-terraform's command builder, with a deadline and an environment of its own."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        super().__init__(working_dir=str(directory))
        self.environment = {**os.environ, **_ENVIRONMENT, **environment}
        self.deadline_seconds = _QUICK_SECONDS

    def cmd(self, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        """Run one terraform command; returns (code, stdout, stderr). Raises Unknown at the deadline."""
        for ours in ("capture_output", "raise_on_error", "synchronous"):
            kwargs.pop(ours, None)
        argv = self.generate_cmd_string(cmd, *args, **kwargs)
        # A session of its own: Ctrl-C reaches it once, from us, and it finishes what it is doing.
        process = subprocess.Popen(
            argv,
            cwd=self.working_dir,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        out, err = self._finish(process, cmd)
        self.temp_var_files.clean_up()
        return process.returncode, out, err

    def _finish(self, process: subprocess.Popen[str], cmd: str) -> tuple[str, str]:
        try:
            return process.communicate(timeout=self.deadline_seconds)
        except subprocess.TimeoutExpired:
            _interrupt(process)
            raise Unknown(
                f"terraform {cmd} did not end within {self.deadline_seconds:.0f} s and was interrupted",
                "look at the cloud's state with `invoke status`, then run the same command again",
            ) from None
        except KeyboardInterrupt:
            _interrupt(process)
            raise


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ask Terraform to stop as Ctrl-C does: it ends the calls under way and writes its state."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


class TerraformStack:
    """The stack in the site's folder. One command at a time; everything by saved plans."""

    def __init__(self, site: Site) -> None:
        if shutil.which("terraform") is None:
            raise Usage(
                "terraform is not on the PATH",
                "install Terraform 1.5 or newer (https://developer.hashicorp.com/terraform/install)",
            )
        self.directory = site.terraform.directory
        if not (self.directory / "versions.tf").exists():
            raise Usage(
                f"no Terraform stack in {self.directory}", f"correct [terraform] directory in {site.file}"
            )
        self._command = _Command(self.directory, site.terraform.environment)

    def init(self) -> None:
        """Initialise the folder when it is not; nothing is downloaded that the lock file does not name."""
        if (self.directory / ".terraform").is_dir():
            return
        self._run("init", input=False, no_color=IsFlagged)

    @property
    def active_file(self) -> Path:
        """The file that names the active server; a person commits it after a switch."""
        return self.directory / ACTIVE_FILE

    def version(self) -> str:
        """Terraform's own version, e.g. "1.9.8"."""
        return str(json.loads(self._run("version", json=IsFlagged))["terraform_version"])

    def read(self) -> contract.Stack:
        """The output `failover` of the present state."""
        out = self._run("output", json=IsFlagged, no_color=IsFlagged)
        outputs = json.loads(out)
        if "failover" not in outputs:
            raise Usage(
                f"the state of {self.directory} has no output `failover`: the stack was never applied here",
                "adopt the site first: docs/getting-started.md",
            )
        return contract.parse(outputs["failover"]["value"])

    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        refresh: bool = True,
        lock_timeout: str = _LOCK_WAIT,
    ) -> PlanFile:
        """Plan with these variables over the files' own; nothing changes."""
        descriptor, name = tempfile.mkstemp(suffix=".tfplan")
        os.close(descriptor)
        path = Path(name)
        self._run(
            "plan",
            out=str(path),
            input=False,
            no_color=IsFlagged,
            lock_timeout=lock_timeout,
            refresh=refresh,
            var=dict(variables or {}),
        )
        shown = json.loads(self._run("show", str(path), json=IsFlagged, no_color=IsFlagged))
        return PlanFile(path, changes_of(shown))

    def apply(self, plan: PlanFile, deadline_seconds: float) -> None:
        """Apply exactly this plan; the file is removed. Raises Failed with Terraform's own words."""
        self._command.deadline_seconds = deadline_seconds
        try:
            self._run("apply", str(plan.path), input=False, no_color=IsFlagged, lock_timeout=_LOCK_WAIT)
        finally:
            self._command.deadline_seconds = _QUICK_SECONDS
            plan.path.unlink(missing_ok=True)

    def adopt(self, address: str, ocid: str, variables: Mapping[str, Any]) -> None:
        """Make the state's record of `address` the resource `ocid`, whatever it was before.

        For what was made in the cloud without the state learning of it: an apply that was killed.
        """
        if address in self._run("state list").splitlines():
            self._run("state rm", address, lock_timeout=_LOCK_WAIT)
        self._run(
            "import",
            address,
            ocid,
            input=False,
            no_color=IsFlagged,
            lock_timeout=_LOCK_WAIT,
            var=dict(variables),
        )

    def write_active(self, server: str) -> None:
        """Make `server` the folder's active server, atomically, so that no later apply flips it back."""
        target = self.directory / ACTIVE_FILE
        temporary = target.with_suffix(".new")
        with temporary.open("w") as stream:
            stream.write(f'active_server = "{server}"\n')
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)

    def _run(self, cmd: str, *args: str, **options: Any) -> str:
        code, out, err = self._command.cmd(cmd, *args, **options)
        if code:
            raise _explained(cmd, err or out)
        return out


def changes_of(shown: Mapping[str, Any]) -> tuple[Change, ...]:
    """The resources that a plan (`terraform show -json`) touches, reads and no-ops left out."""
    entries = ((e["address"], tuple(e["change"]["actions"])) for e in shown.get("resource_changes", []))
    return tuple(Change(a, acts) for a, acts in entries if acts not in (("no-op",), ("read",)))


def _explained(cmd: str, text: str) -> Exception:
    """The exception for Terraform's error output: its first error block, and what it means for the run."""
    words = "\n".join(line.strip("│╷╵ ").rstrip() for line in text.splitlines())
    start = words.find("Error:")
    reason = " ".join(words[max(start, 0) :].split())[:1500]
    if "Error acquiring the state lock" in reason:
        return Refused(
            f"terraform {cmd}: somebody else holds the state's lock: {reason}",
            "wait for that run, then try again",
        )
    if cmd == "apply":
        return Failed(f"terraform apply: {reason}", "mend the cause, then run the same command again")
    return Refused(f"terraform {cmd}: {reason}", "mend the cause; nothing was changed by this step")
