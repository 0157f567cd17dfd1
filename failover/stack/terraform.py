"""Terraform, by python-terraform: plan as data, apply of exactly that plan, the output `failover`."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged

from failover.checkout.active_file import ACTIVE_FILE, write_active
from failover.cloud import profile
from failover.model import stack_output, switch_record
from failover.model.outcome import Refused, Usage
from failover.model.resource_change import Change, changes_of
from failover.model.site import Site
from failover.stack import addresses, lost, torn_state
from failover.stack import state as tfstate
from failover.stack.errors import explained
from failover.stack.state_lock import DEFAULT, StatePlace
from failover.stack.terraform_process import QUICK_SECONDS, Command

_LOCK_WAIT = (
    "180s"  # for a lock that is kept elsewhere than in the folder (tfstate.await_unlocked waits for that)
)
# what these leave is read in any case: some file systems keep a time in whole seconds
_WRITES = ("apply", "import", "state rm", "untaint")
_NOT_PULLED: tuple[tuple[int, ...] | None, dict[str, Any]] = (None, {})


@dataclass(frozen=True)
class PlanFile:
    """A saved plan; `changes` is empty when reality and code agree."""

    path: Path
    changes: tuple[Change, ...]


class TerraformStack:
    """The stack in the site's folder. One plan or apply at a time; everything by saved plans."""

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
        self._command = Command(site)
        self._place = StatePlace.of(site)
        self._pulled = _NOT_PULLED
        self._cloud, self._api_seconds = site.cloud, site.deadlines.api
        self._plans = site.runs / "plans"  # of the one run that holds the site's lock
        self._longest = max(site.deadlines.launch, site.deadlines.switch)

    def recover(self, say: Callable[[str], None], look_only: bool = False) -> None:
        """Wait until no process of an earlier run works on the stack; mend its state, remove its plans."""
        tfstate.await_unlocked(self._place, self._longest, say)
        if not look_only:
            self.mend(say)
        self.discard_plans()  # those of an ended run are never used

    def mend(self, say: Callable[[str], None]) -> None:
        """Put back the state of before, where a Terraform was killed while it wrote its own."""
        torn_state.put_back(self._place, say)

    def discard_plans(self) -> None:
        """Remove all saved plans: they are not used after their run has ended."""
        for left in self._plans.glob("*.tfplan"):
            left.unlink(missing_ok=True)

    def init(self) -> None:
        """Initialise the folder when it is not; only what the lock file names is downloaded.

        Raises Refused for a torn state: it would be taken for a stack that was never applied.
        """
        torn_state.refuse(self._place)
        if self._place.data.is_dir():
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
        """The output `failover` of the present state. Raises Usage when there is none."""
        outputs = self._state().get("outputs", {})
        if "failover" not in outputs:
            workspace = self._place.workspace
            is_default = workspace == DEFAULT
            where = self.directory if is_default else f"{self.directory} (workspace {workspace})"
            raise Usage(
                f"the state of {where} has no output `failover`: the stack was never applied here",
                "adopt the site first: ./inv adopt --instance OCID (docs/adopt.md)"
                + ("" if is_default else ", or choose the workspace that has it (TF_WORKSPACE)"),
            )
        stack = stack_output.parse(outputs["failover"]["value"])
        profile.refuse_other_region(self._cloud, stack.region)
        return stack

    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        lock_timeout: str = _LOCK_WAIT,
    ) -> PlanFile:
        """Plan with these variables over the files' own; nothing changes."""
        self._plans.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=".tfplan", dir=self._plans)
        os.close(descriptor)
        path = Path(name)
        options = {"out": str(path), "lock_timeout": lock_timeout}
        wanted = variables or {}
        if launching := tuple(wanted.get("launch", ())):
            self._forget((*map(addresses.instance, launching), *map(addresses.vnics, launching)))
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
        state = self._state()
        if not any(address.startswith(tuple(kinds)) for address in lost.records(state)):
            return ()
        # the SDK takes a second to import: only where it is used
        from failover.cloud.inventory import CloudReads  # noqa: PLC0415

        forgotten = lost.lost(state, kinds, CloudReads(self._cloud, self._api_seconds))
        for address in forgotten:
            self._run("state rm", address, lock_timeout=_LOCK_WAIT)
        return forgotten

    def apply(self, plan: PlanFile, deadline_seconds: float) -> None:
        """Apply exactly this plan; the file is removed. Raises Failed with Terraform's own words."""
        self._command.deadline_seconds = deadline_seconds
        try:
            self._run("apply", str(plan.path), input=False, no_color=IsFlagged, lock_timeout=_LOCK_WAIT)
        finally:
            self._command.deadline_seconds = QUICK_SECONDS
            plan.path.unlink(missing_ok=True)

    def recorded(self) -> dict[str, tfstate.Recorded]:
        """What the state holds now, by address; an output is as old as the last apply that ended well."""
        return tfstate.recorded(self._state())

    def switched(self) -> switch_record.Switched | None:
        """Who switched last, when and through which door: of the state itself, since an output may be old."""
        return tfstate.switched(self._state())

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
        return self._place.holder()

    def file(self, name: str) -> str | None:
        """The text of a file of the configuration, None when there is none."""
        path = self.directory / name
        return path.read_text() if path.exists() else None

    def _state(self) -> dict[str, Any]:
        """The whole state, as Terraform reads it wherever it is kept; empty when there is none yet.

        Terraform is asked again only when the file has changed. Its answer takes longer than a file system's
        smallest step of time, so a change after the mark is in the answer, or in the next mark.
        """
        mark = self._place.mark()
        if mark is None or mark != self._pulled[0]:
            self._pulled = mark, json.loads(self._run("state pull") or "{}")
        return self._pulled[1]

    def _run(self, cmd: str, *args: str, **options: Any) -> str:
        if cmd in _WRITES:
            self._pulled = _NOT_PULLED
        code, out, err = self._command.cmd(cmd, *args, **options)
        if code:
            raise explained(cmd, err or out)
        return out
