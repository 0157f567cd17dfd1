"""The proof of an adoption: Terraform's own plan changes nothing that exists, and imports what is there."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from failover.model.outcome import Refused, Usage
from failover.model.resource_change import Change
from failover.stack.runner import StackRunner
from failover.tfvars.write import confirm

_RECORDS = "terraform_data."  # of the state alone: there is no such thing in the cloud
_APPLY_SECONDS = 600.0


def prove(runner: StackRunner, imported: int, imports_file: Path, console: Console, yes: bool) -> bool:
    """Plan; import what is attached; plan again. False when the state was up to date already.

    Raises Refused when a plan would change anything in the cloud, or the import is not wanted: the variables
    are written by then, and nothing else is changed.
    """
    plan = runner.plan()
    _refuse_changes(plan.changes, "plan")
    if not imported and not plan.changes and _was_applied(runner):
        runner.discard(plan)
        console.print("plan: nothing that exists changes")
        return False
    console.print(
        f"plan: nothing that exists changes; {imported} attachments come into Terraform's state", markup=False
    )
    if not yes:
        confirm("Write that to Terraform's state (nothing in the cloud is changed)?")
    runner.apply(plan, _APPLY_SECONDS)
    imports_file.unlink(missing_ok=True)
    second = runner.plan()
    runner.discard(second)
    if second.changes:
        _refuse_changes(second.changes, "plan after the import")
        raise Refused(f"the plan after the import is not empty: {_shown(second.changes)}", "run adopt again")
    console.print("plan after the import: empty")
    return True


def _refuse_changes(changes: tuple[Change, ...], what: str) -> None:
    """A record in the state may come; whatever else would change was there before us."""
    unwanted = tuple(c for c in changes if not (c.address.startswith(_RECORDS) and "delete" not in c.actions))
    if unwanted:
        raise Refused(
            f"the {what} would change what exists: {_shown(unwanted)}",
            "nothing of that was applied; look at it with `terraform plan` in the stack's folder, and "
            "correct the variables or the other *.tfvars there",
        )


def _shown(changes: tuple[Change, ...]) -> str:
    return ", ".join(f"{change.address} ({' and '.join(change.actions)})" for change in changes)


def _was_applied(runner: StackRunner) -> bool:
    try:
        runner.read()
    except Usage:
        return False
    return True
