"""What a run does about a server that is held: it refuses, it holds the loser, it ends a hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.observation import Observation
from failover.model.outcome import Outcome, Refused, Unknown
from failover.plan.model import Plan, StepKind
from failover.runs import history, hold
from failover.runs.hold import Hold


class Holding:
    """The site's hold during one run. `seconds`: the one that was chosen, None for none.

    `is_rollback`: the held server is the target, and was proven healthy before.
    """

    def __init__(
        self,
        runs: Path,
        seconds: float | None,
        is_rollback: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runs = runs
        self._seconds = seconds
        self._is_rollback = is_rollback
        self._now = now
        self.kept: Hold | None = None
        self.note = ""

    def check(self, plan: Plan, observation: Observation) -> None:
        """Raise Refused where the plan goes against a hold. A file that is broken stops no plain failover."""
        try:
            self.kept = hold.read(self._runs)
        except Unknown as error:
            if self._seconds is not None or self._is_rollback:
                raise
            self.note = f"{error.reason}; {error.remedy}"
        loser = _loser(plan, observation)
        if self.kept is None or loser is None or not self.kept.is_in_force(self._now()):
            return
        if plan.target == self.kept.server and not self._is_rollback:
            raise Refused(
                f"{plan.target} is held until {self.kept.moment}, whole and out of service",
                "`./inv rollback` proves that it is healthy and brings the service back to it; "
                "`./inv commit` ends the hold, then the same command again",
            )
        if self._seconds is not None and loser != self.kept.server:
            raise Refused(
                f"--hold: {self.kept.server} is held until {self.kept.moment} already, and {loser} would be "
                "the second one",
                "`./inv commit` ends that hold; or leave --hold out",
            )

    def begin(self, plan: Plan, observation: Observation, run: str) -> None:
        """Hold the loser, before the first step: a run that is killed leaves it held. Raises OSError."""
        if self._seconds is None:
            return
        loser = _loser(plan, observation)
        one = observation.servers.get(loser) if loser else None
        if one is None or one.server.instance_id is None or one.instance_state in ENDING_OR_ENDED:
            why = f"{loser} has no instance" if loser else "no server loses the volumes"
            if not (self.kept and self.kept.is_in_force(self._now())):
                self.note = f"--hold: {why}, so no server is held"
            return
        made = Hold(
            one.server.name,
            one.server.instance_id,
            plan.target,
            run,
            self._seconds,
            self._now() + timedelta(seconds=self._seconds),
            tuple(sorted(volume.volume_id for volume in observation.stack.volumes.values())),
        )
        hold.write(self._runs, made)
        self.kept = made

    def end(self, target: str, run: str) -> None:
        """The service is on `target`: a hold of this run counts from now; one of `target` itself is over."""
        if self.kept is None or (self.kept.server != target and self.kept.run != run):
            return
        try:
            self._end(self.kept, target)
        except OSError as error:  # the service is up: a disk that is full does not change that
            self.note = f"{self._runs / hold.FILE} could not be brought up to date: {error}"

    def _end(self, kept: Hold, target: str) -> None:
        if kept.server == target:
            hold.remove(self._runs)
            remember(self._runs, kept, "rolled back", self._now())
            self.kept = None
            return
        self.kept = kept.renewed(self._now())
        hold.write(self._runs, self.kept)
        remember(self._runs, self.kept, "held", self._now())

    @property
    def notes(self) -> tuple[str, ...]:
        """What an operator has to know of it, a line each."""
        held = (self.kept.line,) if self.kept and self.kept.is_in_force(self._now()) else ()
        return (*held, self.note) if self.note else held


def remember(runs: Path, kept: Hold, action: str, now: datetime) -> None:
    """Into the site's history. What was done stays done where that cannot be written."""
    facts = {**kept.document(), "action": action}
    with suppress(OSError):
        history.append(runs, history.Entry(history.Kind.HOLD, now, Outcome.DONE.value, 0.0, facts))


def _loser(plan: Plan, observation: Observation) -> str | None:
    """Who loses the volumes by this plan; the server by Terraform's state where nobody has them any more."""
    if not any(step.kind is StepKind.SWITCH for step in plan.steps):
        return None
    return plan.loser or (observation.stack.active if observation.stack.active != plan.target else None)
