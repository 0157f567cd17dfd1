"""The verb `backup`: one backup of all volumes as a group, its policy, and how old the newest is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command.choices import opened
from failover.command.reported import reported
from failover.command.request import SiteChoice
from failover.report.report import Report
from failover.runs import history


def backup(
    site_choice: SiteChoice, console: Console, *, kind: str, policy: str, look: bool, wait: float
) -> Report:
    """Take one, or only look. Never raises FailoverError: it is the report's outcome."""

    def act(report: Report) -> None:
        site, runner = opened(report, site_choice)
        check_endpoint(site)
        from failover import ports  # noqa: PLC0415 - as in verbs/failover.py
        from failover.backup.backup import Backup, BackupChoices  # noqa: PLC0415

        with ports.opened(site, runner) as doors:
            choices = BackupChoices(kind, policy, look, wait)
            made = Backup(doors, choices, report, lambda text: console.print(text, markup=False))
            try:
                made.run()
            finally:
                facts.update(made.facts)

    facts: dict[str, Any] = {}
    report = reported(Report("", "backup"), act)
    _remember(report, facts)
    return report


def _remember(report: Report, facts: Mapping[str, Any]) -> None:
    """A backup that was taken, into the site's history; a disk that is full does not change what was done."""
    if not facts or report.runs is None:
        return
    ended, outcome = datetime.now(UTC), report.outcome.value
    try:
        history.append(report.runs, history.Entry(history.Kind.BACKUP, ended, outcome, report.seconds, facts))
    except OSError as error:
        report.notes += (f"the history could not be written: {error}",)
