"""Terraform, by python-terraform: plan as data, apply of exactly that plan, the output `failover`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from python_terraform import IsFlagged, Terraform

from failover.checkout.active_file import ACTIVE_FILE, write_active
from failover.cloud import profile
from failover.model import stack_output
from failover.model.outcome import Failed, FailoverError, Refused, Unknown, Usage
from failover.model.site import Site
from failover.stack import lost, state_lock
from failover.stack import state as tfstate

# A 404 may mean "not authorized": the provider must not drop a resource from the state because of it.
_ENVIRONMENT = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_PRESERVE_STATE_ON_404": "true",
    "CHECKPOINT_DISABLE": "1",
}
_LOCK_WAIT = (
    "180s"  # for a lock that is kept elsewhere than in the folder (tfstate.await_unlocked waits for that)
)
_QUICK_SECONDS = 300.0
_FORCED_SECONDS = 10.0
# Terraform's words for an answer that proves nothing, or for none: whether the call was carried out is open.
_UNLEARNT = re.compile(
    r"\b40[14]-|\b404:|Http Status Code: 40[14]|NotAuthenticated|NotAuthorizedOrNotFound"
    r"|timeout (while|exceeded)|i/o timeout|timed out|deadline exceeded"
    r"|connection (reset|refused|aborted|broken)|RemoteDisconnected|\bEOF\b|no such host|Max retries",
    re.IGNORECASE,
)
# A look that the service was too busy or too broken to answer.
_UNREAD = re.compile(r"(\b|Http Status Code: )(409|429|5\d\d)[-.]")


@dataclass(frozen=True)
class Change:
    """One resource that a plan touches. `actions` as Terraform's JSON has them: ("delete", "create").

    `after`: the planned values, without those that are known after the apply.
    """

    address: str
    actions: tuple[str, ...]
    after: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class PlanFile:
    """A saved plan; `changes` is empty when reality and code agree."""

    path: Path
    changes: tuple[Change, ...]


class _Command(Terraform):
    """python-terraform's command builder, with a deadline and an environment of its own."""

    def __init__(self, site: Site) -> None:
        super().__init__(working_dir=str(site.terraform.directory))
        # The provider's HTTP client has no time-out of its own.
        timeout = {"HTTP_REQUEST_TIMEOUT": f"{max(1, round(site.deadlines.api))}s"}
        self.environment = {**os.environ, **_ENVIRONMENT, **timeout, **profile.provider_environment(site)}
        self.environment |= site.terraform.environment
        self.deadline_seconds = _QUICK_SECONDS
        self._grace_seconds = site.deadlines.interrupt

    def cmd(self, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        """Run one terraform command; returns (code, stdout, stderr). Raises Unknown at the deadline."""
        for ours in ("capture_output", "raise_on_error", "synchronous"):
            kwargs.pop(ours, None)
        argv = self.generate_cmd_string(cmd, *args, **kwargs)
        # Files, not pipes: when we are killed, a pipe would kill Terraform at its next word (SIGPIPE), with
        # its state unwritten. A session of its own: Ctrl-C does not reach it.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                argv,
                cwd=self.working_dir,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                self._finish(process, cmd)
            finally:
                self.temp_var_files.clean_up()
            return process.returncode, _text(out), _text(err)

    def _finish(self, process: subprocess.Popen[bytes], cmd: str) -> None:
        try:
            process.wait(self.deadline_seconds)
        except subprocess.TimeoutExpired:
            _interrupt(process, self._grace_seconds)
            raise Unknown(
                f"terraform {cmd} did not end within {self.deadline_seconds:.0f} s and was interrupted",
                "look at what is slow in the console; then run the same command again",
            ) from None
        except KeyboardInterrupt:
            _interrupt(process, self._grace_seconds)
            raise


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _interrupt(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask Terraform to stop: it waits for the calls under way and writes its state. (SIGINT may be ignored.)

    After the grace once more, on which it gives those calls up; then it is killed.
    """
    for seconds in (grace_seconds, _FORCED_SECONDS):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


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
        self._command = _Command(site)
        self._cloud, self._api_seconds = site.cloud, site.deadlines.api
        self._plans = site.runs / "plans"  # of the one run that holds the site's lock
        self._longest = max(site.deadlines.launch, site.deadlines.switch)

    def take_up(self, say: Callable[[str], None], look_only: bool = False) -> None:
        """Wait until nothing of an earlier run is at work on the stack, and forget its saved plans."""
        del look_only  # saved plans are worth nothing to anybody
        tfstate.await_unlocked(self.directory, self._longest, say)
        self.sweep()

    def sweep(self) -> None:
        """Remove all saved plans: none is worth anything once its run has ended."""
        for left in self._plans.glob("*.tfplan"):
            left.unlink(missing_ok=True)

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

    def read(self) -> stack_output.Stack:
        """The output `failover` of the present state."""
        out = self._run("output", json=IsFlagged, no_color=IsFlagged)
        outputs = json.loads(out)
        if "failover" not in outputs:
            raise Usage(
                f"the state of {self.directory} has no output `failover`: the stack was never applied here",
                "adopt the site first: docs/getting-started.md",
            )
        stack = stack_output.parse(outputs["failover"]["value"])
        profile.refuse_other_region(self._cloud, stack.region)
        return stack

    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        refresh: bool = True,
        lock_timeout: str = _LOCK_WAIT,
    ) -> PlanFile:
        """Plan with these variables over the files' own; nothing changes."""
        self._plans.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=".tfplan", dir=self._plans)
        os.close(descriptor)
        path = Path(name)
        options = {"out": str(path), "lock_timeout": lock_timeout, "refresh": refresh}
        wanted = variables or {}
        if launched := tuple(f'{lost.INSTANCE}["{name}"]' for name in wanted.get("launch", ())):
            self._forget(launched)
        changes = self._planned(wanted, options)
        doubted = tuple(c.address for c in changes if lost.is_doubted(c.address, c.actions))
        if doubted and self._forget(doubted):
            changes = self._planned(wanted, options)
        return PlanFile(path, changes)

    def _planned(self, variables: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Change, ...]:
        """The changes of a plan; once more without the servers that the API no longer knows."""
        arguments = {**options, "input": False, "no_color": IsFlagged, "var": dict(variables)}
        try:
            self._run("plan", **arguments)
        except Refused as error:
            kept = lost.kept_from_destruction(error.reason)
            if not kept or not self._forget(kept):
                raise
            self._run("plan", **arguments)
        shown = json.loads(self._run("show", options["out"], json=IsFlagged, no_color=IsFlagged))
        return changes_of(shown)

    def _forget(self, kinds: Sequence[str]) -> tuple[str, ...]:
        """Take out of the state the records of these kinds whose object is gone by the API; which they were.

        The provider keeps them, because of TF_PRESERVE_STATE_ON_404: they would be in the way for ever.
        """
        state = json.loads(self._run("state pull") or "{}")
        if not any(address.startswith(tuple(kinds)) for address in lost.records(state)):
            return ()
        # the SDK takes a second to import: only where it is used
        from failover.cloud.inventory import CloudReads  # noqa: PLC0415

        found = lost.lost(state, kinds, CloudReads(self._cloud, self._api_seconds))
        for address in found:
            self._run("state rm", address, lock_timeout=_LOCK_WAIT)
        return found

    def apply(self, plan: PlanFile, deadline_seconds: float) -> None:
        """Apply exactly this plan; the file is removed. Raises Failed with Terraform's own words."""
        self._command.deadline_seconds = deadline_seconds
        try:
            self._run("apply", str(plan.path), input=False, no_color=IsFlagged, lock_timeout=_LOCK_WAIT)
        finally:
            self._command.deadline_seconds = _QUICK_SECONDS
            plan.path.unlink(missing_ok=True)

    def recorded(self) -> dict[str, tfstate.Recorded]:
        """What the state holds now, by address; an output is as old as the last apply that ended well."""
        return tfstate.recorded(json.loads(self._run("state pull") or "{}"))

    def switched(self) -> tfstate.Switched | None:
        """Who switched last, when and through which door: of the state itself, since an output may be old."""
        return tfstate.switched(json.loads(self._run("state pull") or "{}"))

    def untaint(self, address: str) -> None:
        """Keep the object: what failed was the wait for it, and the API says that it is as it should be."""
        self._run("untaint", address, lock_timeout=_LOCK_WAIT)

    def adopt(self, address: str, ocid: str, variables: Mapping[str, Any]) -> None:
        """Make the state's record of `address` the resource `ocid`, whatever it was before.

        For what was made in the cloud without the state learning of it: an apply that was killed.
        """
        if address in self.recorded():
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
        write_active(self.directory, server)

    def interrupt(self) -> None:
        """Ctrl-C: the command under way is let finish; a Terraform that is cut off leaves more to mend."""

    def discard(self, plan: PlanFile) -> None:
        """Forget a plan that is not applied."""
        plan.path.unlink(missing_ok=True)

    def lock_holder(self) -> str | None:
        """Who works on the stack now, for a person; None when nobody does, or a backend keeps the lock."""
        return state_lock.holder(self.directory)

    def file(self, name: str) -> str | None:
        """The text of a file of the configuration, None when there is none."""
        path = self.directory / name
        return path.read_text() if path.exists() else None

    def _run(self, cmd: str, *args: str, **options: Any) -> str:
        code, out, err = self._command.cmd(cmd, *args, **options)
        if code:
            raise explained(cmd, err or out)
        return out


def changes_of(shown: Mapping[str, Any]) -> tuple[Change, ...]:
    """The resources that a plan (`terraform show -json`) touches, reads and no-ops left out."""
    entries = ((e["address"], e["change"]) for e in shown.get("resource_changes", []))
    found = (Change(a, tuple(c["actions"]), c.get("after") or {}) for a, c in entries)
    return tuple(change for change in found if change.actions not in (("no-op",), ("read",)))


def explained(cmd: str, text: str) -> FailoverError:
    """The exception for Terraform's error output: its first error block, and what it means for the run."""
    words = "\n".join(line.strip("│╷╵ ").rstrip() for line in text.splitlines())
    start = words.find("Error:")
    reason = " ".join(words[max(start, 0) :].split())[:1500]
    if "Error acquiring the state lock" in reason:
        return Refused(
            f"terraform {cmd}: somebody else holds the state's lock: {reason}",
            "wait for that run; when its process is gone for certain, `terraform force-unlock` with that ID",
        )
    if _UNLEARNT.search(reason):
        return Unknown(
            f"terraform {cmd}: {reason}",
            "check the key, the policies (404 may mean 'not authorized') and the network; then run it again",
        )
    if cmd == "plan" and _UNREAD.search(reason):
        return Unknown(f"terraform plan: {reason}", "look at the service's status; then run it again")
    if "out of host capacity" in reason.lower():
        return Failed(
            f"terraform {cmd}: {reason}",
            "try again, or give the server another shape or fault_domain, or choose another server",
        )
    if cmd == "apply":
        return Failed(f"terraform apply: {reason}", "mend the cause, then run the same command again")
    return Refused(f"terraform {cmd}: {reason}", "mend the cause; nothing was changed by this step")
