"""The verb `rehearse`: a takeover on clones of the data, which leaves production alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command.choices import chosen_site, stack_runner
from failover.command.reported import reported
from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.report.report import Report
from failover.runs import history, hold
from failover.runs.site_lock import site_lock


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for (tasks.py); `fsck`: seconds."""

    server: str = ""
    standby: str = ""
    yes: bool = False
    clean: bool = False
    fsck: float = 3600.0


def rehearse(site_choice: SiteChoice, console: Console, wanted: Wanted) -> Report:
    """Rehearse, or only remove what is left. Never raises FailoverError: it is the report's outcome."""

    def act(report: Report) -> None:
        site = chosen_site(site_choice)
        report.runs = site.runs
        runner = stack_runner(site)
        check_endpoint(site)
        hold.refuse_held(site.runs, wanted.standby, datetime.now(UTC))
        from failover import ports  # noqa: PLC0415 - as in verbs/failover.py
        from failover.rehearse.rehearsal import FOLDER, Rehearsal, RehearsalChoices  # noqa: PLC0415

        # a lock of its own: a failover must not wait for a rehearsal
        with site_lock(site.runs / FOLDER) as lock, ports.opened(site, runner) as doors:
            choices = RehearsalChoices(wanted.server, wanted.standby, wanted.yes, wanted.clean, wanted.fsck)
            before = history.read(site.runs).latest(history.Kind.REHEARSAL, Outcome.DONE.value)
            seconds = before.seconds if before else None
            rehearsal = Rehearsal(doors, choices, report, console, seconds, lock.assert_held)
            try:
                rehearsal.run()
            finally:
                facts.update(rehearsal.facts)

    facts: dict[str, Any] = {}
    report = reported(Report(wanted.server or wanted.standby, "rehearse"), act)
    _remember(report, facts)
    return report


def _remember(report: Report, facts: Mapping[str, Any]) -> None:
    """What it came to, into the site's history; a disk that is full does not change what was found."""
    if report.run is None or report.runs is None:
        return
    wrong = [f"{one.subject}: {one.actual}" for one in report.findings if not one.ok]
    entry_facts = {**facts, "reason": report.reason, "not_right": wrong}
    ended, outcome = datetime.now(UTC), report.outcome.value
    entry = history.Entry(history.Kind.REHEARSAL, ended, outcome, report.seconds, entry_facts)
    try:
        history.append(report.runs, entry)
    except OSError as error:
        report.notes += (f"the history could not be written: {error}",)
