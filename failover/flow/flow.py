"""One run, start to end: observe → plan → preflight → confirm → act → verify. Start reading here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from rich.console import Console

from failover.act import progress as progresses
from failover.act.clients import bring_over
from failover.act.context import Crew
from failover.act.dispatch import do
from failover.act.execution import ClientFunction, Execution, StepFunction
from failover.backup import restore as restores
from failover.checkout.origin import COMMAND_LINE, Door
from failover.flow.holding import Holding
from failover.flow.identity import identity
from failover.flow.inspection import Inspection
from failover.model import objective
from failover.model.observation import Observation, Presence
from failover.model.outcome import ClientLeft, FailoverError, Outcome, Refused, Usage
from failover.model.site import ClientMode
from failover.plan import document, forecast, model, planner
from failover.plan.model import CopyMode
from failover.ports import Ports
from failover.preflight import gate
from failover.preflight.check import objection
from failover.prompt import typed
from failover.report import plan_table
from failover.report.report import Report
from failover.runs import history
from failover.runs.events import Event
from failover.runs.journal import Journal
from failover.status import judge, sight, text


@dataclass(frozen=True)
class Options:
    """What was chosen, checked. `target`: a server of the stack. `door`: who asks for it.

    `only_clients`: a plan that has any other step is refused.
    `unplanned`: the old server is treated as lost; the detach may be the fence (failover/plan/planner.py).
    `copy`: what is kept of the data before the switch. `hold`: seconds for which the server that loses the
    volumes is kept as it is. `rollback`: `target` is held, and proven healthy (failover/standby/rollback.py).
    `volumes_from`: a volume group whose copies become the site's volumes; `accept_loss`: of what they lack.
    """

    target: str
    clients: ClientMode = ClientMode.REMOUNT
    yes: bool = False
    dry_run: bool = False
    unplanned: bool = False
    copy: CopyMode = CopyMode.NONE
    door: Door = COMMAND_LINE
    only_clients: bool = False
    hold: float | None = None
    rollback: bool = False
    volumes_from: str = ""
    accept_loss: bool = False


class Flow:
    """One run under the site's lock; fills the report as it goes."""

    def __init__(
        self,
        ports: Ports,
        options: Options,
        report: Report,
        console: Console,
        assert_held: Callable[[], None],
    ) -> None:
        """`assert_held`: raises when the site's lock is no longer held; called before each step."""
        self._assert_held = assert_held
        self._ports = ports
        self._site = ports.site
        self._runner = ports.runner
        self._options = options
        self._report = report
        self._console = console
        self._progress = progresses.make(console)
        self._replacing: restores.Restore | None = None
        self._holding = Holding(ports.site.runs, options.hold, options.rollback)
        self._inspection = Inspection(ports, options.target, options.clients, report, self._progress)

    def run(self) -> None:
        """The whole run. Raises FailoverError at the first thing that stops it."""
        try:
            self._runner.recover(self._progress.say, self._options.dry_run)
            if self._options.door.checks_last_switch:
                self._report.switched = self._runner.switched()
                self._options.door.check(self._report.switched)
            observation = self._look()
            self._report.observation, self._report.active = observation, observation.stack.active
            plan = planner.make(observation, self._options.unplanned, self._options.copy)
            self._report.notes = plan.notes
            self._report.plan = plan
            if self._options.only_clients:
                _refuse_other_steps(plan)
            self._holding.check(plan, observation)
            if self._options.volumes_from:
                self._restore(plan, observation)
            if not plan.steps:
                self._settled(observation)
                return
            self._foretell(plan)
            self._stand(observation)
            if self._options.dry_run:
                self._foresee(plan, observation)
                self._report.outcome = Outcome.PLANNED
                return
            crew = Crew(self._ports, observation, self._options.clients, self._options.door, self._replacing)
            try:
                self._start_ahead(plan, observation, crew)
                self._inspection.timed("preflight", lambda: self._preflight(plan, observation))
                self._confirm(plan)
                self._act(plan, observation, crew)
            finally:
                crew.settle()
        finally:
            self._runner.discard_plans()

    def _look(self) -> Observation:
        """Observe. Meanwhile learn who runs this and with which versions: no later step waits for that."""
        self._began = datetime.now(UTC)
        with ThreadPoolExecutor(max_workers=1) as pool:
            who = pool.submit(identity, self._runner)
            observation = self._inspection.timed("observe", self._inspection.observe)
            self._identity = who.result()
        return observation

    def _restore(self, plan: model.Plan, observation: Observation) -> None:
        """What replaces the volumes in this plan's switch, shown. Raises Refused where it is not safe."""
        options, now = self._options, datetime.now(UTC)
        replaced = restores.look(
            self._ports, observation, options.volumes_from, now, options.accept_loss or options.dry_run
        )
        if replaced is None:
            return
        if observation.attachments.held_by(observation.servers[plan.target].server.instance_id):
            raise Refused(
                f"--volumes-from: {plan.target} has the volumes that would be replaced under it",
                "name another server, which takes the copies; afterwards the service can come home",
            )
        self._replacing = replaced
        self._console.print(replaced.change.difference(), markup=False, end="\n")
        lost = f"the volumes come from {replaced.copies.group.name}; given up: {replaced.copies.loss(now)}"
        self._console.print(lost, markup=False)
        self._report.notes += (lost,)

    def _settled(self, observation: Observation) -> None:
        """Nothing to do - which is verified like everything else."""
        self._inspection.verify(observation)
        self._report.outcome = Outcome.NOTHING_TO_DO
        if not self._options.dry_run:
            self._holding.end(observation.target, "")
        self._report.notes += self._holding.notes

    def _preflight(self, plan: model.Plan, observation: Observation) -> None:
        """What would stop the run halfway stops it here, all of it at once."""
        results = gate.checks(plan, observation, self._ports)
        self._report.notes += gate.notes(results)
        if error := objection(results):
            raise error

    def _foresee(self, plan: model.Plan, observation: Observation) -> None:
        """The hosts' judgement on a plan that is only shown: what a run would be refused with."""
        self._report.notes += gate.foreseen(plan, observation, self._ports)

    def _foretell(self, plan: model.Plan) -> None:
        """The plan, and how long it will take by what this site has measured; met or missed beforehand."""
        expected = forecast.forecast(plan, self._measured())
        self._report.forecast = expected
        plan_table.show(plan, self._options.clients, self._console, expected)
        limit = self._site.objectives.outage_seconds
        if limit is not None and expected.outage is not None:
            self._console.print(f"  forecast: {objective.outage(expected.outage, limit).line}", markup=False)

    def _measured(self) -> Mapping[str, tuple[float, ...]]:
        kinds = (history.Kind.FAILOVER, history.Kind.REHEARSAL, history.Kind.STANDBY)
        try:
            return history.read(self._site.runs).measured(*kinds)
        except OSError:  # a forecast is not worth a run
            return {}

    def _stand(self, observation: Observation) -> None:
        """Where one stands, in short: of what this run has looked at."""
        now = sight.of_run(str(self._site.file), observation, datetime.now(UTC), self._site.objectives)
        now = replace(now, hold=self._holding.kept)
        for line in text.brief(now, judge.judge(now)):
            self._console.print(f"  {line}", markup=False)

    def _confirm(self, plan: model.Plan) -> None:
        if self._options.yes:
            return
        if not sys.stdin.isatty():
            raise Usage("the plan cannot be confirmed: there is no terminal", "add --yes, or use a terminal")
        loser = plan.loser or "nobody"
        for line in plan.evidence:
            self._console.print(f"evidence: {line}", markup=False)
        given = typed(f"{loser} loses the volumes, {plan.target} gets them. Type {plan.target} to go on: ")
        if given != plan.target:
            raise Refused("not confirmed; nothing was changed", "")

    def _start_ahead(self, plan: model.Plan, observation: Observation, crew: Crew) -> None:
        """The takeover's hooks start on a target that answers, and wait for their spec: beside the preflight
        and the fence, so that no client waits for their start."""
        target = observation.servers[plan.target]
        takes_over = any(step.kind is model.StepKind.TAKE_OVER for step in plan.steps)
        if takes_over and target.presence is Presence.ANSWERS:
            crew.start_hooks(target.server)

    def _act(self, plan: model.Plan, observation: Observation, crew: Crew) -> None:
        journal = Journal(self._site.runs, plan.target)
        self._report.run, self._report.folder = journal.id, journal.folder
        self._holding.begin(plan, observation, journal.id)
        self._write_start(journal, plan)
        inspection = self._inspection
        execution = Execution(
            plan,
            self._held(partial(do, crew)),
            journal,
            self._progress,
            crew.evidence.of,
            self._runner.interrupt,
            client=self._held_for_clients(partial(bring_over, crew)),
        )
        try:
            try:
                with self._progress.watching(plan):
                    execution.run()
            finally:
                crew.settle()
                self._report.phases += execution.phases
                self._report.notes += tuple(crew.remarks)
            inspection.timed("verify", lambda: self._verify(journal))
            self._report.outcome = Outcome.DONE
            hold = self._held_from_now(plan, journal)
            journal.write(Event.RUN_DONE, outcome=Outcome.DONE.value, active=self._report.active, hold=hold)
        except ClientLeft as error:
            ending = {"outcome": error.outcome.value, "reason": error.reason, "remedy": error.remedy}
            hold = self._held_from_now(plan, journal)
            journal.write(Event.RUN_DONE, active=self._report.active, hold=hold, **ending)
            raise
        except FailoverError as error:
            ending = {"outcome": error.outcome.value, "reason": error.reason, "remedy": error.remedy}
            journal.write(Event.RUN_ENDED, **ending)
            raise
        except BaseException as error:
            journal.write(Event.RUN_ENDED, reason=str(error) or type(error).__name__)
            raise
        finally:
            self._report.notes += self._holding.notes
            journal.close()

    def _held_from_now(self, plan: model.Plan, journal: Journal) -> str:
        """The run has done what it was for: the server that is held, in a sentence; "" for none."""
        self._holding.end(plan.target, journal.id)
        return "; ".join(self._holding.notes)

    def _held(self, do: StepFunction) -> StepFunction:
        """Wrap `do`: each step raises Refused first when another run has taken the site's lock."""

        def guarded(step: model.Step) -> str:
            self._assert_held()
            return do(step)

        return guarded

    def _held_for_clients(self, client: ClientFunction) -> ClientFunction:
        """The same for the clients' steps, which are done in the event loop."""

        async def guarded(step: model.Step, begun: Callable[[], None]) -> str:
            self._assert_held()
            return await client(step, begun)

        return guarded

    def _write_start(self, journal: Journal, plan: model.Plan) -> None:
        journal.write(
            Event.RUN_STARTED,
            target=plan.target,
            steps=[s.name for s in plan.steps],
            notes=plan.notes,
            began=self._began.isoformat(),
            observe_seconds=round(self._report.phases[0].seconds, 3),
            plan=document.document(plan),
            clients=self._options.clients,
            unplanned=self._options.unplanned,
            site=str(self._site.file),
            active_file=str(self._runner.active_file or ""),
            objective_seconds=self._site.objectives.outage_seconds,
            hold="; ".join(self._holding.notes),
            **self._identity,
        )

    def _verify(self, journal: Journal) -> None:
        journal.write(Event.VERIFY_STARTED)
        try:
            observation = self._inspection.observe()
            self._stand(observation)
            self._inspection.verify(observation)
        finally:
            journal.write(
                Event.VERIFIED,
                findings=[f.document() for f in self._report.findings],
                second_plan_changes=self._report.second_plan_changes,
            )


def _refuse_other_steps(plan: model.Plan) -> None:
    """A run for clients alone never moves the service."""
    if others := [s.name for s in plan.steps if s.kind is not model.StepKind.CLIENT]:
        raise Refused(
            f"the service itself is not right on {plan.target}: {', '.join(others)} would come first",
            f"run `./inv failover --active {plan.target}`, which brings the clients over too",
        )
