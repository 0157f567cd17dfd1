"""One run, start to end: observe → plan → confirm → act → verify. Start reading here."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console

from failover import plan as planner
from failover.act import Execution, Phase
from failover.cloud import Cloud
from failover.hosts import Hosts
from failover.journal import Journal
from failover.observe import Observer
from failover.outcome import Failed, Outcome, Refused, Usage
from failover.progress import Progress
from failover.report import Report
from failover.seen import Observation
from failover.site import Site
from failover.steps import Crew
from failover.terraform import TerraformStack
from failover.verify import verify

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What the operator chose. `clients`: remount (without reboot) or reboot."""

    clients: str = "remount"
    yes: bool = False
    dry_run: bool = False


class Flow:
    """One run under the site's lock; fills the report as it goes."""

    def __init__(
        self, site: Site, terraform: TerraformStack, options: Options, report: Report, console: Console
    ) -> None:
        self._site = site
        self._terraform = terraform
        self._options = options
        self._report = report
        self._console = console
        self._progress = Progress(console)
        self._cloud = Cloud(site.cloud, site.deadlines.api)
        self._hosts = Hosts(site)
        self._observer = Observer(site, self._cloud, self._hosts)

    def run(self) -> None:
        """Observe → plan → act → verify. Raises FailoverError at the first thing that stops the run."""
        try:
            self._terraform.take_up(self._progress.say)
            seen = self._timed("observe", self._observe)
            plan = planner.make(seen)
            self._report.active = seen.stack.active
            self._report.notes = plan.notes
            if not plan.steps:
                self._settled(seen)
                return
            self._show(plan)
            if self._options.dry_run:
                self._report.outcome = Outcome.NOTHING_TO_DO
                return
            self._confirm(plan)
            self._act(plan, seen)
        finally:
            self._terraform.sweep()
            self._hosts.close()

    def _observe(self) -> Observation:
        self._progress.say("looking at the API, the servers and the clients (nothing is changed) ...")
        return self._observer.observe(self._terraform.read(), self._report.target, self._options.clients)

    def _settled(self, seen: Observation) -> None:
        """Nothing to do - which is verified like everything else."""
        self._verify(seen)
        self._report.outcome = Outcome.NOTHING_TO_DO

    def _show(self, plan: planner.Plan) -> None:
        self._console.print(f"plan: {plan.target} becomes the active server", markup=False)
        for number, step in enumerate(plan.steps, 1):
            self._console.print(f"  {number}. {step.name} - {step.why}", markup=False)
        for note in plan.notes:
            self._console.print(f"  note: {note}", markup=False)

    def _confirm(self, plan: planner.Plan) -> None:
        if self._options.yes:
            return
        if not sys.stdin.isatty():
            raise Usage("nobody is there to confirm the plan", "add --yes, or run it in a terminal")
        loser = plan.loser or "nobody"
        given = input(f"{loser} loses the volumes, {plan.target} gets them. Type {plan.target} to go on: ")
        if given.strip() != plan.target:
            raise Refused("not confirmed; nothing was changed", "")

    def _act(self, plan: planner.Plan, seen: Observation) -> None:
        journal = Journal(self._site.runs, plan.target)
        self._report.run = journal.id
        journal.write("run-started", target=plan.target, steps=[s.name for s in plan.steps], notes=plan.notes)
        crew = Crew(self._site, self._cloud, self._terraform, self._hosts, seen, self._options.clients)
        execution = Execution(plan, crew.do, journal, self._progress)
        try:
            try:
                execution.run()
            finally:
                self._report.phases += execution.phases
            self._timed("verify", lambda: self._verify(self._observe()))
            self._report.outcome = Outcome.DONE
            journal.write("run-done", active=self._report.active)
        except BaseException as error:
            journal.write("run-ended", reason=str(error) or type(error).__name__)
            raise
        finally:
            (journal.folder / "report.json").write_text(json.dumps(self._report.document(), indent=1) + "\n")
            journal.close()

    def _verify(self, seen: Observation) -> None:
        self._report.active = seen.stack.active
        self._report.findings, self._report.second_plan_changes = verify(seen, self._terraform)
        if wrong := [f"{f.subject}: {f.found}" for f in self._report.findings if not f.ok]:
            raise Failed(f"not everything is right: {'; '.join(wrong)}", "run the same command again")

    def _timed(self, name: str, action: Callable[[], T]) -> T:
        start = time.monotonic()
        result = action()
        self._report.phases.append(Phase(name, time.monotonic() - start, ""))
        return result
