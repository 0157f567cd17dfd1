"""The three doors of a drill: a command, a console, a pull request; each moves the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.drill import hooks_copies
from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import SERVER, SUCCESSOR
from lab.system.errors import HardwareError

NAMES = ("cli", "resource-manager", "gitops")


@dataclass(frozen=True)
class Moved:
    """What came of one move. `active`: the server that is active now, by whoever moved it."""

    active: str | None
    phases: list[tuple[str, float]] = field(default_factory=list)


class DrillDoor(Protocol):
    """One way to move the service. Both methods raise HardwareError when it did not work."""

    def move(self, target: str) -> Moved:
        """Make `target` the active server."""

    def again(self, target: str) -> str:
        """The same once more: empty when there was nothing to do, else what there was."""


class CommandLine:
    """`invoke failover --active`, perhaps killed once in the middle."""

    def __init__(self, operator: Operator, clients: str, kill_after: float | None) -> None:
        self._operator = operator
        self._clients = clients
        self._kill_after = kill_after

    def move(self, target: str) -> Moved:
        """The verb as an operator types it."""
        argv = ("--active", target, "--yes", "--clients", self._clients)
        if self._kill_after is not None:
            self._operator.run_and_kill(self._kill_after, "failover", *argv)
        return _moved(*self._operator.report("failover", *argv))

    def again(self, target: str) -> str:
        """Exit code 0 and nothing-to-do, or else."""
        return _settled(*self._operator.report("failover", "--active", target, "--yes"))


class ConsoleApply:
    """Resource Manager's console alone: no program of ours runs beside the new server's own service."""

    def __init__(self, lab: Lab, hooks: str) -> None:
        self._lab = lab
        self._hooks = hooks

    def move(self, target: str) -> Moved:
        """Stop the old instance, change the one field of the form, plan, apply that plan."""
        self._lab.power_off(SERVER if target == SUCCESSOR else SUCCESSOR)
        self._lab.console.apply(active_server=target)
        if self._hooks == "changed":
            hooks_copies.put_right(self._lab)
        self._lab.await_service(target)
        self._lab.trust_console(target)
        hooks_copies.require_kept(self._lab, target)
        return Moved(self._lab.console.output()["active"])

    def again(self, target: str) -> str:
        """A plan of the same form."""
        changes = self._lab.console.pending_changes()
        return f"a plan of the same form has {changes} changes" if changes else ""


class PullRequest:
    """One line in a checkout: the comment on the pull request, then what the merge runs."""

    def __init__(self, lab: Lab, operator: Operator) -> None:
        self._lab = lab
        self._operator = operator

    def move(self, target: str) -> Moved:
        """Commit the line, have the plan's comment, merge.

        Raises HardwareError for a comment about another server.
        """
        self._lab.checkout.ask_for(target)
        comment, code = self._operator.run("plan", "--format", "markdown")
        if code or target not in "".join(comment):
            raise HardwareError(f"the plan's comment ({code}) does not speak of {target}: {comment[-3:]}")
        return _moved(*self._operator.report("apply"))

    def again(self, target: str) -> str:
        """The merge's job once more."""
        return _settled(*self._operator.report("apply"))


def _moved(report: dict[str, Any], code: int) -> Moved:
    if code:
        raise HardwareError(f"it ended {report['outcome']} ({code}): {report['reason']}")
    if report["second_plan_changes"]:
        raise HardwareError("its own second plan was not empty")
    return Moved(report["active"], [(f"  {p['name']}", p["seconds"]) for p in report["phases"]])


def _settled(report: dict[str, Any], code: int) -> str:
    if code == 0 and report["outcome"] == "nothing-to-do":
        return ""
    return f"the same again: {report['outcome']}: {report['reason']}"
