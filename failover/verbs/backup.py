"""The verb `backup`: a backup of all volumes as a group, its policy, how old the newest is; and a restore."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command.choices import chosen_site, stack_runner
from failover.command.reported import reported
from failover.command.request import SiteChoice
from failover.model.outcome import Usage
from failover.report.report import Report
from failover.runs import history


def backup(
    site_choice: SiteChoice,
    console: Console,
    *,
    kind: str,
    policy: str,
    look: bool,
    wait: float,
    restore: str = "",
) -> Report:
    """Take one, only look, or make a volume group of the backup `restore` (its OCID or name).

    Never raises FailoverError: it is the report's outcome.
    """

    def act(report: Report) -> None:
        if restore and (look or policy):
            raise Usage("--restore goes with neither --look nor --policy", "give --restore alone")
        site = chosen_site(site_choice)
        report.runs = site.runs
        runner = stack_runner(site)
        check_endpoint(site)
        from failover import ports  # noqa: PLC0415 - as in verbs/failover.py
        from failover.backup.backup import Backup, BackupChoices  # noqa: PLC0415
        from failover.backup.from_backup import FromBackup  # noqa: PLC0415

        def say(text: str) -> None:
            console.print(text, markup=False)

        with ports.opened(site, runner) as doors:
            if restore:
                FromBackup(doors, wait, report, say).run(restore)
                return
            made = Backup(doors, BackupChoices(kind, policy, look, wait), report, say)
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
