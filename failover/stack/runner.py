"""What a run needs of the place where the stack is planned and applied: a folder, or Resource Manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from failover.model import stack_output, switch_record
from failover.model.resource_change import Change
from failover.stack import state


class SavedPlan(Protocol):
    """A plan that can be applied exactly as it was made."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it touches; empty when reality and code agree."""


class StackRunner(Protocol):
    """Plans and applies the stack. One plan or apply at a time; everything by saved plans.

    There are two: TerraformStack (terraform.py) and ResourceManagerStack (resource_manager.py).
    All raise FailoverError: Refused when nothing was changed, Failed, Unknown when that could not be learnt.
    """

    def recover(self, say: Callable[[str], None], look_only: bool = False) -> None:
        """Wait until no process of an earlier run works on the stack; put right what that run left behind.

        `look_only`: a run that shows its plan and stops changes nothing of the stack.
        """

    def mend(self, say: Callable[[str], None]) -> None:
        """Before `init`: make the state readable, where a process was killed while it wrote it."""

    def discard_plans(self) -> None:
        """At the end of a run, however it ended: remove what it needed for itself."""

    def init(self) -> None:
        """Be ready; raises Usage when there is no stack."""

    @property
    def active_file(self) -> Path | None:
        """The file that names the active server and that a person commits; None when there is none."""

    def version(self) -> str:
        """Terraform's own version."""

    def read(self) -> stack_output.Stack:
        """The output `failover` of the present state."""

    def switched(self) -> switch_record.Switched | None:
        """Who switched last, when and through which door, by the state's own record."""

    def recorded(self) -> dict[str, state.Recorded]:
        """What the state holds now, by address."""

    def plan(self, variables: Mapping[str, Any] | None = None, *, lock_timeout: str = ...) -> SavedPlan:
        """Plan with these variables, for this plan alone, over the stack's own; nothing changes.

        `lock_timeout`: how long another's work on the stack is waited for, in seconds, e.g. "180s".
        """

    def apply(self, plan: Any, deadline_seconds: float) -> None:
        """Apply exactly this plan, which this runner made."""

    def discard(self, plan: Any) -> None:
        """Forget a plan that is not applied."""

    def adopt(self, address: str, ocid: str, variables: Mapping[str, Any]) -> None:
        """From the next plan on, the state's record of `address` is the resource `ocid`."""

    def untaint(self, address: str) -> None:
        """From the next plan on, the object at `address` is kept."""

    def write_active(self, server: str) -> None:
        """Make `server` the stack's active server for every later plan, whoever makes it."""

    def interrupt(self) -> None:
        """Ctrl-C: call off what is under way where that is better than to let it end."""

    def lock_holder(self) -> str | None:
        """Who works on the stack now, for a person; None when nobody does."""

    def file(self, name: str) -> str | None:
        """The text of a file of the configuration, None when there is none."""
