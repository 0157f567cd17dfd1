"""The verb `verify`: looks at everything afresh and changes nothing."""

from __future__ import annotations

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command.choices import checked_target, chosen_site, stack_runner
from failover.command.reported import reported
from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.model.site import ClientMode
from failover.report.report import Report
from failover.runs.site_lock import site_lock


def verify(target: str | None, choice: SiteChoice, console: Console) -> Report:
    """Look at everything afresh and change nothing; `target` None: the server that is active by Terraform."""

    def act(report: Report) -> None:
        site = chosen_site(choice)
        report.runs = site.runs
        runner = stack_runner(site)
        report.target = checked_target(target, runner)
        check_endpoint(site)
        with site_lock(site.runs):
            # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
            from failover import ports  # noqa: PLC0415
            from failover.act import progress  # noqa: PLC0415
            from failover.flow.inspection import Inspection  # noqa: PLC0415

            with ports.opened(site, runner) as doors:
                inspection = Inspection(
                    doors, report.target, ClientMode.REMOUNT, report, progress.Progress(console)
                )
                observation = inspection.timed("observe", inspection.observe)
                inspection.timed("verify", lambda: inspection.verify(observation))
        report.outcome = Outcome.DONE

    return reported(Report(target or "", "verify"), act)
